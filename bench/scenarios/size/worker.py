"""A worker process of the bench: told one line, it answers one."""

import asyncio
import contextlib
from pathlib import Path
from typing import Self

from bench.scenarios.size.jobs import Line
from bench.scenarios.stage import ended
from nearfield.core.errors import ConfigError
from nearfield.local.processes import bound, python

ANSWER_SECONDS = 600.0
"""The longest run and the largest fleet's joining take a tenth of that."""
_STOP_SECONDS = 20.0


class Worker:
    """Made by `start`; ends with the block."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    @classmethod
    async def start(cls, name: str, argument: Line, directory: Path) -> Self:
        """Start `bench.scenarios.size.NAME`, its errors in a log in `directory`."""
        log = directory / f"{name}.log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *bound(python("-m", f"bench.scenarios.size.{name}", argument.to_line())),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        return cls(name, process, log)

    async def tell(self, line: str) -> bytes:
        """Say a line and return the answer; raises ConfigError once the worker has ended."""
        assert self._process.stdin is not None  # it was asked for
        with contextlib.suppress(ConnectionError):  # an ended worker says so on the other pipe
            self._process.stdin.write(line.encode())
            await self._process.stdin.drain()
        return await self.hear()

    async def hear(self) -> bytes:
        """Return what it says next, as once it is ready; raises ConfigError where nothing comes."""
        assert self._process.stdout is not None  # it was asked for
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._process.stdout.readline()
        except TimeoutError:
            limit = f"{ANSWER_SECONDS:g} s"
            raise ConfigError(
                f"{self._name} says nothing for {limit}; see {self._log}",
                field=self._name,
                limit=limit,
            ) from None
        if not answer:
            raise ended(self._name, await self._process.wait(), self._log)
        return answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the worker by the end of its input; kill it where that takes too long."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
