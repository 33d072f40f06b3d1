"""How a process starts and ends."""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable

from nearfield.core.errors import ConfigError

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when process `parent`, which forked it, ends.

    Linux only. A parent that ended before the kernel was asked is seen by its absence.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def bind_forks_to_this_process() -> None:
    """Make every process forked from this one from now on die with it."""
    parent = os.getpid()
    os.register_at_fork(after_in_child=lambda: _die_with(parent))


def _die_with(parent: int) -> None:
    if os.getppid() == parent:  # a grandchild has a parent of its own
        die_with_parent(parent)


def stop_event() -> asyncio.Event:
    """Return an event of the running loop that SIGTERM and SIGINT set."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, event.set)
    return event


def configure_logging(process: str, level: str) -> None:
    """Log to standard error, one line an event, behind the name of the process."""
    if level not in logging.getLevelNamesMapping():
        raise ConfigError(
            f"log_level '{level}' is not a level",
            field="log_level",
            limit="DEBUG, INFO, WARNING, ERROR",
        )
    layout = f"%(asctime)s {process} %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=level, format=layout, stream=sys.stderr, force=True)


def exit_on_config_error(main: Callable[[], None]) -> None:
    """Run `main`; a ConfigError becomes one line on standard error and exit status 2."""
    try:
        main()
        return
    except ConfigError as error:
        message = error.message
    # Outside the handler: its traceback would keep what failed alive into the exit.
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
