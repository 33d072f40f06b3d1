import asyncio
import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from nearfield.core.errors import ConfigError
from nearfield.core.lifecycle import configure_logging, exit_on_config_error, stop_event
from tests.support.nearfield_builders import eventually_sync

FORK = """
    import os, signal, sys
    from nearfield.core import lifecycle
    {before}
    child = os.fork()
    if child == 0:
        {in_child}
        print(os.getpid(), flush=True)
        signal.pause()
    signal.pause()
"""
ASKS_FOR_IT = FORK.format(
    before="parent = os.getpid()", in_child="lifecycle.die_with_parent(parent)"
)
BOUND = FORK.format(before="lifecycle.bind_forks_to_this_process()", in_child="pass")
LONELY = FORK.format(before="", in_child="pass")
WRONG_PARENT = """
    from nearfield.core import lifecycle
    lifecycle.die_with_parent(1)
    print("still here")
"""
GRANDCHILD = """
    import os, signal
    from nearfield.core import lifecycle
    lifecycle.bind_forks_to_this_process()
    if os.fork() == 0:
        if os.fork() == 0:
            print(os.getpid(), flush=True)
            signal.pause()
        os._exit(0)
    os.wait()
    signal.pause()
"""


@contextmanager
def running(code: str) -> Iterator[tuple["subprocess.Popen[str]", psutil.Process]]:
    """Run a program that prints the id of a process it has made."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        descendant = None
        try:
            assert parent.stdout is not None
            descendant = psutil.Process(int(parent.stdout.readline()))
            yield parent, descendant
        finally:
            parent.kill()
            if descendant is not None and descendant.is_running():
                descendant.kill()


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("code", [ASKS_FOR_IT, BOUND], ids=["asked", "bound"])
def test_a_child_dies_with_its_parent_however_that_ends(code: str) -> None:
    with running(code) as (parent, child):
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        eventually_sync(lambda: gone(child))


def test_a_child_that_did_not_ask_outlives_its_parent() -> None:
    with running(LONELY) as (parent, child):
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert not gone(child)


def test_a_grandchild_is_not_bound_by_its_grandparent() -> None:
    with running(GRANDCHILD) as (parent, grandchild):
        eventually_sync(lambda: grandchild.ppid() != parent.pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert not gone(grandchild)


def test_a_parent_that_is_gone_already_is_noticed() -> None:
    command = [sys.executable, "-c", textwrap.dedent(WRONG_PARENT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_both_polite_signals_ask_to_stop(number: signal.Signals) -> None:
    stop = stop_event()
    try:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            await stop.wait()
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(each)


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("level", ["", "info", "LOUD"])
def test_a_level_that_is_none_is_refused_by_its_key(level: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure_logging("node", level)
    assert caught.value.field == "log_level"


def test_a_line_of_the_log_says_which_process_speaks(
    root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("node fra1-a", "WARNING")
    logging.getLogger("some.module").warning("engine is away")
    logging.getLogger("some.module").info("not shown")
    assert (
        capsys.readouterr().err.rstrip().endswith("node fra1-a WARNING some.module: engine is away")
    )


def test_a_config_error_ends_the_process_with_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def main() -> None:
        raise ConfigError("setting 'listen' is missing", field="listen")

    with pytest.raises(SystemExit) as caught:
        exit_on_config_error(main)
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: setting 'listen' is missing\n"


def test_any_other_failure_keeps_its_trace() -> None:
    def main() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        exit_on_config_error(main)
