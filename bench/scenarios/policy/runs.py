"""Every policy over the same arrivals: what is run, and in which world."""

import gc
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from bench.scenarios.policy.demand import Demand, Event, offered_rate
from bench.scenarios.policy.fleet import Distances, World
from bench.scenarios.policy.policies.base import Asked, Fleet, Policy
from bench.scenarios.policy.policies.blind import (
    LeastLoaded,
    NearestByMap,
    PrefixAffinity,
    RoundRobin,
)
from bench.scenarios.policy.policies.knowing import Bound, Clairvoyant
from bench.scenarios.policy.policies.ours import Ours
from bench.scenarios.policy.prompts import Arrival, answered_keys, keys
from bench.scenarios.policy.simulation import Result, Simulation
from bench.scenarios.policy.trace import load_trace
from bench.scenarios.policy.workloads import workload

OURS = "ours"
CLAIRVOYANT = "clairvoyant"
NEAREST = "nearest by map"
ROUND_ROBIN = "round robin"
LEAST_LOADED = "least loaded"
AFFINITY = "prefix affinity"
CENTRAL = "one central region"
BOUND = "lower bound"
TRACE = "trace"
WARM_UP_SHARE = 1 / 3
"""Of a run's requests, which do not count: caches warm, clients get to know their nodes."""
CACHED_SHARE = 0.3
"""Of prompts, guessed for the offered rate alone; what came of it is reported."""
SERVED_BEFORE = 256
"""Requests of the same sort that each node has served before the run: nodes are not new."""
_SAMPLE = 2000

POLICIES: dict[str, Callable[[Fleet, Simulation, Sequence[Asked], int], Policy]] = {
    NEAREST: lambda fleet, _run, _asked, _seed: NearestByMap(fleet),
    LEAST_LOADED: lambda fleet, _run, _asked, seed: LeastLoaded(fleet, seed),
    ROUND_ROBIN: lambda fleet, _run, _asked, seed: RoundRobin(fleet, seed),
    AFFINITY: lambda fleet, _run, _asked, _seed: PrefixAffinity(fleet),
    CENTRAL: lambda fleet, _run, _asked, _seed: Clairvoyant(fleet),
    OURS: lambda fleet, run, asked, seed: Ours(fleet, run.schedule, asked, seed),
    CLAIRVOYANT: lambda fleet, _run, _asked, _seed: Clairvoyant(fleet),
}
"""By name; the central region is given the clairvoyant as its load balancer."""


@dataclass(frozen=True, slots=True)
class Load:
    """`requests` are those of one workload, warm-up included; `load` is of all slots."""

    requests: int = 60_000
    load: float = 0.7
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Played:
    """What is asked, in order of time; what comes before `warm_up` seconds does not count.

    `load` is the share of all slots that it asks for.
    """

    name: str
    asked: Sequence[Asked]
    warm_up: float
    load: float
    outage: Event | None = None

    @property
    def seconds(self) -> float:
        """How long the arrivals last."""
        return self.asked[-1].arrival.at if self.asked else 0.0


def play_workload(name: str, world: World, load: Load) -> Played:
    """Return so many requests of a workload, at the rate that makes the load."""
    probe = Demand(world.cities, 100.0, 60.0 + _SAMPLE / 100, load.seed)
    sample = list(islice(workload(name, probe).arrivals(), _SAMPLE))
    rate = _rate(sample, world, load.load)
    demand = Demand(world.cities, rate, load.requests / rate, load.seed)
    chosen = workload(name, demand)
    asked = tuple(_asked(one) for one in chosen.arrivals())
    return Played(name, asked, demand.duration * WARM_UP_SHARE, load.load, chosen.outage)


def play_trace(path: Path, world: World, load: Load) -> Played:
    """Return a trace's requests, played faster or slower so that they make the load.

    Raises InvalidRequest.
    """
    arrivals = load_trace(path, world.cities)[: load.requests]
    sample = random.Random(load.seed).sample(arrivals, min(_SAMPLE, len(arrivals)))
    span = len(arrivals) / _rate(sample, world, load.load)
    faster = span / arrivals[-1].at if arrivals[-1].at else 0.0
    asked = tuple(_asked(replace(one, at=one.at * faster)) for one in arrivals)
    return Played(TRACE, asked, asked[-1].arrival.at * WARM_UP_SHARE, load.load)


def simulate(
    name: str, played: Played, world: World, distances: Distances, seed: int
) -> list[Result]:
    """Play all requests against one policy; results in order of arrival."""
    fleet = Fleet(world, distances)
    fleet.has_served(_sample(played.asked, seed), played.load, random.Random(f"before.{seed}"))
    run = Simulation(fleet, played.outage, seed)
    policy = POLICIES[name](fleet, run, played.asked, seed)
    gc.disable()  # millions of events hold no cycle worth a pause
    try:
        results = run.run(policy, played.asked)
    finally:
        gc.enable()
    return sorted(results, key=lambda one: one.number)


def bounds(played: Played, world: World, distances: Distances) -> list[float]:
    """Return for each request the seconds that no policy can beat."""
    bound = Bound(Fleet(world, distances))
    return [bound.seconds(one) for one in played.asked]


def counted(played: Played) -> Iterator[int]:
    """Yield the numbers of the requests after the warm-up."""
    for number, one in enumerate(played.asked):
        if one.arrival.at >= played.warm_up:
            yield number


def _rate(sample: Sequence[Arrival], world: World, load: float) -> float:
    """Return the requests a second that keep a share of all slots busy."""
    kinds, slots = Counter(world.kinds), world.slots
    seconds = [
        sum(
            many
            * kind.slots
            * kind.service_seconds(
                round(one.prompt_tokens * (1 - CACHED_SHARE)), one.answer_tokens, load
            )
            for kind, many in kinds.items()
        )
        / slots
        for one in sample
    ]
    return offered_rate(load, slots, seconds)


def _sample(asked: Sequence[Asked], seed: int) -> list[Arrival]:
    drawn = random.Random(seed).sample(asked, min(SERVED_BEFORE, len(asked)))
    return [one.arrival for one in drawn]


def _asked(arrival: Arrival) -> Asked:
    return Asked(arrival, keys(arrival), answered_keys(arrival))
