"""Child processes: started with a log, watched, and ended without a rest."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

STOP_SECONDS = 15.0
_KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, told apart from a later one of the same number by its start."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """Name a running process."""
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Return the process while it runs."""
        try:
            process = psutil.Process(self.pid)
            same = process.create_time() == self.started
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def start(
    command: Sequence[str], log: Path, *, stay: bool, environment: dict[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own, its output in `log`.

    Without `stay` it dies with this process.
    """
    if not stay:
        command = bound(command)
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )


def bound(command: Sequence[str]) -> list[str]:
    """Return a command that runs `command` as a child that dies with this process."""
    return python("-m", "nearfield.local.bound", str(os.getpid()), *command)


def python(*arguments: str) -> list[str]:
    """Return a command that runs this interpreter."""
    return [sys.executable, *arguments]


def stop(ids: Iterable[ProcessId], seconds: float = STOP_SECONDS) -> None:
    """End processes and all their children: asked first, then killed."""
    roots = [process for one in ids if (process := one.find()) is not None]
    family = []
    for root in roots:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended by itself
            family += root.children(recursive=True)
            root.send_signal(signal.SIGTERM)
    _wait_gone(roots + family, seconds)
    for process in roots + family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_gone(roots + family, _KILL_SECONDS)


def stop_in_turn(ids: Sequence[ProcessId]) -> None:
    """End processes one after another, the last started first, so that each can say farewell."""
    for one in reversed(ids):
        stop([one])


def _wait_gone(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Wait for them to end; children of this process are reaped on the way."""
    end = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except psutil.TimeoutExpired:
            return
        except psutil.NoSuchProcess:
            continue
