from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from bench.sample import SampleOutcome
from bench.scenarios.fleet import SERVED_NAME
from bench.scenarios.overhead.job import Job
from bench.scenarios.overhead.loader import Loader
from nearfield.core.errors import ConfigError
from nearfield.local.authority import prepare_tls
from node_agent.engine.simulated import SimulatedEngine
from tests.support.node_builders import running_agent


@asynccontextmanager
async def loader_of(
    system: str, target: str, folder: Path, authority: Path | None = None
) -> AsyncIterator[Loader]:
    loader = await Loader.start(system, target, folder / "worker.log", authority)
    try:
        yield loader
    finally:
        await loader.aclose()


async def test_a_worker_process_loads_a_node_and_sleeps_between_jobs(tmp_path: Path) -> None:
    jobs = [Job(2, 4, 6, 7, seed, str(tmp_path / f"{seed}.jsonl")) for seed in (1, 2)]
    async with (
        running_agent(SimulatedEngine(SERVED_NAME)) as agent,
        loader_of("node", agent.caller.address, tmp_path) as loader,
    ):
        done = [await loader.run(job) for job in jobs]
        pid = loader._process.pid
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)
    for samples in done:
        assert [one.outcome for one in samples] == [SampleOutcome.OK] * 4
        assert [one.completion_tokens for one in samples] == [7] * 4


async def test_a_worker_trusts_the_authority_of_a_node_that_speaks_tls(tmp_path: Path) -> None:
    files = prepare_tls(tmp_path / "tls")
    tls = {"certificate": files.certificate, "key": files.key}
    async with (
        running_agent(SimulatedEngine(SERVED_NAME), tls=tls) as agent,
        loader_of("node", agent.caller.address, tmp_path, files.authority) as loader,
    ):
        samples = await loader.run(Job(1, 2, 6, 7, 1, str(tmp_path / "samples.jsonl")))
    assert [one.outcome for one in samples] == [SampleOutcome.OK] * 2


async def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    missing = str(tmp_path / "no-such.toml")
    with pytest.raises(ConfigError, match=r"engine ended with status 1(.|\n)*no-such.toml"):
        await Loader.start("engine", missing, tmp_path / "worker.log")


async def test_a_worker_that_dies_over_a_job_says_why(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "missing" / "x.jsonl")
    async with (
        running_agent(SimulatedEngine(SERVED_NAME)) as agent,
        loader_of("node", agent.caller.address, tmp_path) as loader,
    ):
        with pytest.raises(ConfigError, match=r"node ended with status 1(.|\n)*missing/x.jsonl"):
            await loader.run(Job(1, 1, 6, 7, 1, nowhere))
