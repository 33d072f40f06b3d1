"""The processes of one bench: started in order, watched while they start, ended together."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from nearfield.core.errors import ConfigError
from nearfield.local import processes
from nearfield.local.processes import ProcessId

READY_SECONDS = 900.0
"""A large model's weights may be read from a slow disk."""
_POLL_SECONDS = 0.2
_TAIL_LINES = 12


class Stage:
    """Starts processes with a log each in `directory`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def spawn(self, name: str, command: Sequence[str]) -> int:
        """Start a process that dies with this one; returns its id."""
        child = processes.start(command, self.log(name), stay=False)
        self._children[name] = child
        return child.pid

    def log(self, name: str) -> Path:
        """Return where a process writes."""
        return self.directory / f"{name}.log"

    async def until(
        self, ready: Callable[[], Awaitable[bool]], what: str, seconds: float = READY_SECONDS
    ) -> None:
        """Wait until `ready`; raises ConfigError once a process ends, or after `seconds`."""
        end = time.monotonic() + seconds
        while not await ready():
            self._check_running()
            if time.monotonic() > end:
                raise ConfigError(f"{what} is not ready after {seconds:g} s", field=what)
            await asyncio.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End every process and its children; twice is once."""
        running = [one for one in self._children.values() if one.poll() is None]
        processes.stop([ProcessId.of(one.pid) for one in running])
        for child in self._children.values():
            child.wait()
        self._children.clear()

    def _check_running(self) -> None:
        for name, child in self._children.items():
            if child.poll() is not None:
                raise ended(name, child.returncode, self.log(name))


def ended(name: str, status: int | None, log: Path) -> ConfigError:
    """Return the error for a process that ended too soon, with the end of its log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
    tail = "\n".join(lines)
    return ConfigError(f"{name} ended with status {status}; {log} ends with:\n{tail}", field=name)


@asynccontextmanager
async def staged(directory: Path) -> AsyncIterator[Stage]:
    """Hold a stage until the block ends, however it ends."""
    stage = Stage(directory)
    try:
        yield stage
    finally:
        await asyncio.to_thread(stage.stop)
