"""The whole run: the fleet is taught, then all policies play every scene, round by round."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.scenarios.policy.real.cast import OURS, PLACES, Cast, casting, own_clients
from bench.scenarios.policy.real.choosers import ROUND_ROBIN, Site
from bench.scenarios.policy.real.fleet import running
from bench.scenarios.policy.real.plays import Play, Row
from bench.scenarios.policy.real.scenes import (
    CHAT,
    INDEPENDENT,
    SCENES,
    SHARED,
    Demand,
    Scene,
    build,
    greetings,
    introductions,
)
from bench.scenarios.policy.real.senders import Sender
from nearfield.core.node import Intake
from nearfield.core.prefix import PrefixSecret

AWAY = "fra1-1"
LEARNING = "learning"
WARMING = "warming"
TEACHERS = (INDEPENDENT, SHARED, CHAT)
BACK_SECONDS = 30.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RealOptions:
    """`rate` is of all places, requests a second; a play lasts `seconds`.

    So many requests are asked of our client before any of its predictions count.
    """

    rate: float = 4.0
    seconds: float = 3.5
    rounds: int = 3
    learning: int = 200
    learning_rate: float = 5.0
    seed: int = 1


QUICK = RealOptions(seconds=1.5, rounds=2, learning=60)


@dataclass(frozen=True, slots=True)
class Result:
    """Every request of a run, and the nodes they went to.

    `busy` is the share of all the machine's cores that anything used in the plays, 0 to 1.
    """

    rows: Sequence[Row]
    sites: Sequence[Site]
    busy: float


async def play_all(options: RealOptions, directory: Path) -> Result:
    """Run all of it on a fleet of its own; raises ConfigError where that does not start."""
    async with running(directory) as fleet, casting(fleet, options.seed) as cast:
        await _open_doors(cast)
        rows = await _learn(cast, options)
        psutil.cpu_percent()  # counts from here to its next call
        for number in range(options.rounds):
            rows += await _round(cast, options, number)
        return Result(rows, fleet.sites, psutil.cpu_percent() / 100)


async def _round(cast: Cast, options: RealOptions, number: int) -> list[Row]:
    rows: list[Row] = []
    for place, name in enumerate(SCENES):
        demand = Demand(options.rate, options.seconds, len(PLACES), f"{options.seed}.{number}")
        policies = [OURS, *cast.rivals]
        first = (number + place) % len(policies)  # nobody is always first, or after the same one
        for policy in policies[first:] + policies[:first]:
            scene = build(name, demand, cast.tags[policy])
            print(f"round {number + 1}, {name}: {policy}", file=sys.stderr)
            rows += await _play(cast, policy, number, scene)
    return rows


async def _play(cast: Cast, policy: str, number: int, scene: Scene) -> list[Row]:
    async with AsyncExitStack() as stack:
        senders = cast.rivals.get(policy)
        if senders is None:
            senders = await stack.enter_async_context(_clients(cast, scene))
        if scene.outage is None:
            return await _run(cast, policy, number, scene, senders)
        away = asyncio.create_task(_outage(cast, scene.outage))
        try:
            return await _run(cast, policy, number, scene, senders)
        finally:
            await away
            await _until_back(cast)


@asynccontextmanager
async def _clients(cast: Cast, scene: Scene) -> AsyncIterator[Sequence[Sender]]:
    """Hold our clients for a play, which know what clients in use do."""
    async with AsyncExitStack() as stack:
        clients: Sequence[Sender] = cast.ours
        if scene.outage is not None:
            # New ones: what they learn of an outage is to stay out of other scenes.
            own = own_clients(cast.fleet, cast.dialers, cast.secret)
            clients = await stack.enter_async_context(own)
            asks = introductions(len(PLACES), cast.tags[OURS])
            await _run(cast, OURS, -1, Scene(WARMING, asks), clients)
        await _greet(cast, OURS, clients)
        yield clients


async def _run(
    cast: Cast, policy: str, number: int, scene: Scene, senders: Sequence[Sender]
) -> list[Row]:
    return await Play(policy, number, scene, tuple(PLACES.values()), senders, cast.secret).run()


async def _outage(cast: Cast, outage: tuple[float, float]) -> None:
    start, end = outage
    await asyncio.sleep(start)
    await cast.fleet.admin.set_intake(AWAY, Intake.DRAINED, "a failure is played")
    await asyncio.sleep(end - start)
    await cast.fleet.admin.set_intake(AWAY, Intake.OPEN)


async def _until_back(cast: Cast) -> None:
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            views = await cast.fleet.admin.nodes()
            if all(view.takes_work for view in views):
                cast.board.report(views)
                return
            await asyncio.sleep(_POLL_SECONDS)


async def _learn(cast: Cast, options: RealOptions) -> list[Row]:
    """Ask so many requests of our client: its round trips and the nodes' rates settle."""
    each = options.learning / len(TEACHERS)
    demand = Demand(options.learning_rate, 1.5 * each / options.learning_rate, len(PLACES), "learn")
    rows: list[Row] = []
    for name in TEACHERS:
        asks = build(name, demand, PrefixSecret.fresh().key_id).asks
        left = min(round(each) + 1, options.learning - len(rows))
        rows += await _run(cast, OURS, -1, Scene(LEARNING, asks[:left]), cast.ours)
    return rows


async def _greet(cast: Cast, policy: str, senders: Sequence[Sender]) -> None:
    """Ask twice from each place, to get what one who asks all the time has."""
    asks = greetings(len(PLACES), PrefixSecret.fresh().key_id)
    await _run(cast, policy, -1, Scene(WARMING, asks), senders)


async def _open_doors(cast: Cast) -> None:
    """Connect every place to every node, so that no rival pays a handshake in a play."""
    for _ in cast.fleet.sites:
        await _greet(cast, ROUND_ROBIN, cast.rivals[ROUND_ROBIN])
