"""What is asked: five named workloads, each a lazy row of arrivals in order of time.

All lengths are assumptions, in the range of published chat traces.
"""

import heapq
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, count
from typing import NamedTuple

from bench.scenarios.policy.demand import Demand, Event, Region
from bench.scenarios.policy.prompts import Arrival, Segment, answered, arrival, mixed
from nearfield.core.errors import InvalidRequest

SYSTEM_PROMPTS = 50
SYSTEM_TOKENS = (500, 4000)
TURNS_MOST = 9
"""A conversation has 1 to 9 turns, 5 on average."""
THINK_SECONDS = 30.0
THINK_SECONDS_MOST = 300.0
SECONDS_PER_TOKEN = 0.025
"""What a reader waits for an answer before thinking: arrivals may not depend on a policy."""
CHAT_LEAD_SECONDS = 900.0
"""Conversations begin so long before the run, or its first minutes would be too quiet."""


class Length(NamedTuple):
    """Lognormal token counts, cut off at both ends."""

    median: int
    sigma: float
    least: int
    most: int

    def draw(self, rng: random.Random) -> int:
        """Return one length in tokens."""
        drawn = round(rng.lognormvariate(math.log(self.median), self.sigma))
        return min(self.most, max(self.least, drawn))


PROMPT = Length(300, 1.0, 16, 8000)
QUESTION = Length(80, 0.8, 8, 2000)
"""A person's own words behind a system prompt or in a conversation."""
ANSWER = Length(100, 0.8, 8, 1000)


@dataclass(frozen=True, slots=True)
class Workload:
    """Who asks what and when, and the region whose sites are all away for a while."""

    demand: Demand
    prompts: Callable[[Demand], Iterator[Arrival]]
    outage: Event | None = None

    def arrivals(self) -> Iterator[Arrival]:
        """Return the arrivals from the first on; the same each time."""
        return self.prompts(self.demand)


def workload(name: str, demand: Demand) -> Workload:
    """Return one of WORKLOADS; surge and failure take the middle third of the run.

    Both befall the region around the most populous city and ask what `shared` asks.
    Raises InvalidRequest for another name.
    """
    if name not in WORKLOADS:
        known = ", ".join(WORKLOADS)
        raise InvalidRequest(f"workload {name!r} is none of {known}", field="workload", limit=known)
    return WORKLOADS[name](demand)


def independent(demand: Demand) -> Iterator[Arrival]:
    """Yield prompts that share nothing."""
    rng, ids = _draws(demand)
    for at, city in demand.moments():
        own = Segment(next(ids), PROMPT.draw(rng))
        yield arrival(at, city, (own,), ANSWER.draw(rng))


def shared(demand: Demand) -> Iterator[Arrival]:
    """Yield short questions behind one of 50 system prompts, picked by Zipf's law."""
    rng, ids = _draws(demand)
    low, high = map(math.log, SYSTEM_TOKENS)
    systems = [
        Segment(next(ids), round(math.exp(rng.uniform(low, high)))) for _ in range(SYSTEM_PROMPTS)
    ]
    weights = list(accumulate(1 / rank for rank in range(1, SYSTEM_PROMPTS + 1)))
    for at, city in demand.moments():
        (system,) = rng.choices(systems, cum_weights=weights)
        own = Segment(next(ids), QUESTION.draw(rng))
        yield arrival(at, city, (system, own), ANSWER.draw(rng))


def chat(demand: Demand) -> Iterator[Arrival]:
    """Yield the turns of conversations; each holds all that was said in it before."""
    rng, ids = _draws(demand)
    begun = demand.at_rate(demand.rate * 2 / (1 + TURNS_MOST)).moments(CHAT_LEAD_SECONDS)
    waiting: list[tuple[float, int, int, Arrival]] = []
    for conversation, (start, city) in enumerate(begun):
        while waiting and waiting[0][0] <= start:
            yield heapq.heappop(waiting)[-1]
        turns = _conversation(conversation, start, city, rng, ids)
        for number, turn in enumerate(turns):
            if 0 <= turn.at < demand.duration:
                heapq.heappush(waiting, (turn.at, conversation, number, turn))
    while waiting:
        yield heapq.heappop(waiting)[-1]


def _conversation(
    conversation: int, at: float, city: int, rng: random.Random, ids: Iterator[int]
) -> Iterator[Arrival]:
    said: tuple[Segment, ...] = ()
    for _ in range(rng.randint(1, TURNS_MOST)):
        prompt = (*said, Segment(next(ids), QUESTION.draw(rng)))
        turn = arrival(at, city, prompt, ANSWER.draw(rng), conversation)
        yield turn
        said = answered(turn)
        thinking = min(THINK_SECONDS_MOST, rng.expovariate(1 / THINK_SECONDS))
        at += turn.answer_tokens * SECONDS_PER_TOKEN + thinking


def _draws(demand: Demand) -> tuple[random.Random, Iterator[int]]:
    """Return the prompts' own random numbers, and segment ids that no other seed has."""
    first = mixed(demand.seed)
    return random.Random(f"prompts.{demand.seed}"), (mixed(first ^ index) for index in count())


def _middle(demand: Demand) -> Event:
    largest = max(demand.cities, key=lambda city: city.population)
    return Event(Region(largest.position), demand.duration / 3, demand.duration * 2 / 3)


def _surge(demand: Demand) -> Workload:
    return Workload(replace(demand, surge=_middle(demand)), shared)


def _failure(demand: Demand) -> Workload:
    return Workload(demand, shared, outage=_middle(demand))


WORKLOADS: dict[str, Callable[[Demand], Workload]] = {
    "independent": lambda demand: Workload(demand, independent),
    "shared": lambda demand: Workload(demand, shared),
    "chat": lambda demand: Workload(demand, chat),
    "surge": _surge,
    "failure": _failure,
}
