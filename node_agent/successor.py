"""Replaces this process by a new one of the same id and of the priority it was started with."""

import ctypes
import os
import queue
import signal
import threading
from collections.abc import Sequence
from typing import NoReturn

_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG = 1, 2


class Successor:
    """A thread that waits to execute a command line.

    Priorities are the threads' own, and a lowered one cannot be raised again without
    privilege: the thread is to be started before the others' is lowered. What the kernel
    was asked to do at the parent's death is a thread's own as well.
    """

    def __init__(self) -> None:
        self._commands: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._execute, name="successor", daemon=True)

    def start(self) -> None:
        """Wait from now on."""
        signals = ctypes.c_int()
        _prctl(_PR_GET_PDEATHSIG, ctypes.byref(signals))
        self._dies_with_parent = signal.Signals(signals.value) if signals.value else None
        self._thread.start()

    def execute(self, command: Sequence[str]) -> NoReturn:
        """Become `command`; raises OSError where that cannot be run."""
        self._commands.put(list(command))
        self._thread.join()
        raise self._failure or OSError("the successor's thread has ended")

    def _execute(self) -> None:
        command = self._commands.get()
        if self._dies_with_parent is not None:
            _prctl(_PR_SET_PDEATHSIG, int(self._dies_with_parent))
        try:
            os.execv(command[0], command)
        except OSError as error:
            self._failure = error


def _prctl(option: int, argument: object) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0)
