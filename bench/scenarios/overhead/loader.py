"""A load worker as the bench sees it."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from bench.sample import Sample, read_samples
from bench.scenarios.overhead.job import Job
from bench.scenarios.stage import ended
from nearfield.core.rpc.tls import AUTHORITY_VARIABLE, PLAINTEXT_VARIABLE
from nearfield.local.processes import bound, python

_MODULE = "bench.scenarios.overhead.worker"
_STOP_SECONDS = 20.0
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Loader:
    """One worker process; sleeps between jobs. Made by `start`."""

    def __init__(self, system: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self._system = system
        self._process = process
        self._log = log

    @classmethod
    async def start(
        cls,
        system: str,
        target: str,
        log: Path,
        authority: Path | None = None,
        environment: Mapping[str, str] = _NOTHING,
    ) -> "Loader":
        """Start a worker and wait until it can work; raises ConfigError with the log to read.

        `authority` is the PEM that it trusts, where it speaks TLS; `environment` is added to
        this process's own.
        """
        trusted = {AUTHORITY_VARIABLE: str(authority), PLAINTEXT_VARIABLE: ""} if authority else {}
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *bound(python("-m", _MODULE, system, target)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                env={**os.environ, **trusted, **environment},
            )
        loader = cls(system, process, log)
        try:
            await loader._hear()
        except BaseException:
            await loader.aclose()
            raise
        return loader

    async def run(self, job: Job) -> list[Sample]:
        """Do a job and return its samples."""
        assert self._process.stdin is not None  # it was asked for
        with contextlib.suppress(ConnectionError):  # an ended worker says so on the other pipe
            self._process.stdin.write(job.to_line().encode())
            await self._process.stdin.drain()
        await self._hear()
        return read_samples(Path(job.path))

    async def _hear(self) -> None:
        assert self._process.stdout is not None  # it was asked for
        if not await self._process.stdout.readline():
            raise ended(self._system, await self._process.wait(), self._log)

    async def aclose(self) -> None:
        """End the worker by the end of its input; kill it where that takes too long."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
