"""Child processes: started with a log, watched, and ended without a rest."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from nearfield.core.lifecycle import die_with_parent

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
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
            # The child makes one system call before it executes; no lock can be held.
            preexec_fn=None if stay else partial(die_with_parent, os.getpid()),  # noqa: PLW1509
        )


def python(*arguments: str) -> list[str]:
    """Return a command that runs this interpreter."""
    return [sys.executable, *arguments]


def stop(ids: Iterable[ProcessId], seconds: float = STOP_SECONDS) -> None:
    """End processes and all their children: asked first, then killed."""
    roots = [process for one in ids if (process := one.find()) is not None]
    family = [child for root in roots for child in root.children(recursive=True)]
    for root in roots:
        root.send_signal(signal.SIGTERM)
    _wait_gone(roots + family, seconds)
    for process in roots + family:
        if process.is_running():
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
