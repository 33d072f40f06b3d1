"""Plays one fleet after another: join, report, be asked at a rate, be asked without a rest."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.scenarios.overhead.progress import say
from bench.scenarios.size.decisions import decisions_per_second
from bench.scenarios.size.jobs import Asked, Asking, Counted
from bench.scenarios.size.plane import PlaneProcess, off_first_core, on_first_core, start_plane
from bench.scenarios.size.worker import Worker
from bench.scenarios.stage import staged

CALLERS = 32
"""At once, for the most that it answers: enough that it never waits for them."""
DECIDING_SECONDS = 3.0
SETTLE_SECONDS = 3.0
WARM_UP_SECONDS = 3.0
"""Of asking that does not count: the nearest nodes of each place are found once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate` routes a second for `seconds`; `watch` and `flat_out` are seconds as well."""

    sizes: Sequence[int]
    rate: float
    seconds: float
    watch: float
    flat_out: float
    seed: int


@dataclass(frozen=True, slots=True)
class Reporting:
    """Reports without routes: share of a core, a second's reports and bytes, memory."""

    cpu: float
    reports: float
    bytes: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One fleet; `cpu` and `busiest_cpu` are shares of a core with routes asked for."""

    nodes: int
    join_seconds: float
    reporting: Reporting
    paced: Asked
    cpu: float
    flat_out: Asked
    busiest_cpu: float
    resident_bytes: int
    lost: int
    decisions: float

    @property
    def cpu_per_route(self) -> float:
        """Seconds of CPU that a route costs over the reports."""
        return (self.cpu - self.reporting.cpu) / self.paced.rate if self.paced.rate else 0.0


async def play(plan: Plan, directory: Path) -> list[Measured]:
    """Measure each size in turn; raises NearfieldError."""
    samples = directory / "samples"
    samples.mkdir(parents=True, exist_ok=True)
    for stale in samples.glob("*.jsonl"):
        stale.unlink()
    return [await measure(nodes, plan, directory) for nodes in plan.sizes]


async def measure(nodes: int, plan: Plan, directory: Path) -> Measured:
    """Start a control plane and so many nodes, and measure."""
    run, samples = directory / "run" / f"{nodes:05}", directory / "samples"
    paced = Asking(plan.seconds, str(samples / f"{nodes:05}-paced.jsonl"), plan.rate, 0, plan.seed)
    most = Asking(plan.flat_out, str(samples / f"{nodes:05}-flat-out.jsonl"), callers=CALLERS)
    async with staged(run) as stage:
        say(f"{nodes} nodes: starting and joining")
        target, plane = await start_plane(stage, nodes)
        with off_first_core():
            node_worker = await Worker.start("nodes", target, run)
            client_worker = await Worker.start("clients", target, run)
        async with node_worker, client_worker:
            await client_worker.hear()
            joined = Counted.from_line(await node_worker.hear()).join_seconds
            await asyncio.sleep(SETTLE_SECONDS)
            say(f"{nodes} nodes: joined; reports alone")
            reporting = await watch(plane, node_worker, plan.watch)
            await asked(plane, client_worker, replace(most, seconds=WARM_UP_SECONDS))
            say(f"{nodes} nodes: {plan.rate:g} routes a second")
            at_rate, cpu = await asked(plane, client_worker, paced)
            say(f"{nodes} nodes: {CALLERS} callers without a rest")
            flat_out, busiest = await asked(plane, client_worker, most)
            memory = plane.resident_bytes()
            lost = (await counted(node_worker)).lost
    decisions = await asyncio.to_thread(decide, nodes)
    return Measured(
        nodes, joined, reporting, at_rate, cpu, flat_out, busiest, memory, lost, decisions
    )


async def watch(plane: PlaneProcess, nodes: Worker, seconds: float) -> Reporting:
    """Watch for `seconds` while nodes report and nobody asks."""
    before, used = await counted(nodes), plane.usage()
    await asyncio.sleep(seconds)
    after, later = await counted(nodes), plane.usage()
    passed = later.at - used.at
    return Reporting(
        later.share_since(used),
        (after.reports - before.reports) / passed,
        (after.bytes - before.bytes) / passed,
        plane.resident_bytes(),
    )


async def asked(plane: PlaneProcess, clients: Worker, asking: Asking) -> tuple[Asked, float]:
    """Have the clients ask; returns what came of it and the control plane's share of a core."""
    before = plane.usage()
    answer = Asked.from_line(await clients.tell(asking.to_line()))
    return answer, plane.usage().share_since(before)


async def counted(nodes: Worker) -> Counted:
    """Ask the nodes what they did so far."""
    return Counted.from_line(await nodes.tell("\n"))


def decide(nodes: int) -> float:
    """Measure the deciding alone, on the core that the control plane had."""
    with on_first_core():
        return decisions_per_second(nodes, DECIDING_SECONDS)
