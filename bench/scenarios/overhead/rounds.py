"""Loads the systems by turns, one at a time, and pairs what they did round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.sample import Sample, SampleOutcome, answered
from bench.scenarios.overhead.job import Job
from bench.scenarios.overhead.progress import say
from bench.statistics import percentile
from nearfield.core.errors import InternalError

LEVELS = (1, 16, 64)
"""Requests at once."""
FILLS = 8
"""How often a level is filled at least, so that its start and end do not decide the rate."""
WARM_UP = 0
"""The number of the round that does not count."""


class Loads(Protocol):
    """Does jobs on one system."""

    async def run(self, job: Job) -> list[Sample]:
        """Do a job and return its samples."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`requests` at each level and round, more where the level needs them; tokens, words."""

    rounds: int
    requests: int
    words: int
    max_tokens: int
    seed: int

    def job(self, number: int, level: int, path: Path) -> Job:
        """Return one system's part of a round; alike for every system."""
        count = 2 * level if number == WARM_UP else max(self.requests, FILLS * level)
        # Prompts differ between rounds and levels: no cache knows them.
        seed = self.seed + 100 * number + level
        return Job(level, count, self.words, self.max_tokens, seed, str(path))


@dataclass(frozen=True, slots=True)
class Did:
    """What one system did in one round at one level; seconds, requests a second."""

    ttft: float
    rate: float


@dataclass(slots=True)
class Played:
    """By system and level, one entry a round."""

    rounds: dict[tuple[str, int], list[Did]] = field(default_factory=dict)
    sent: int = 0
    lost: int = 0
    cached_prompt_tokens: int = 0

    def take(self, system: str, level: int, samples: Sequence[Sample]) -> None:
        """Note one system's part of a round."""
        self.rounds.setdefault((system, level), []).append(did(system, samples))
        self.sent += len(samples)
        self.lost += sum(one.outcome is not SampleOutcome.OK for one in samples)
        self.cached_prompt_tokens += sum(one.cached_prompt_tokens for one in samples)

    def ttfts(self, system: str, level: int) -> list[float]:
        """Return the median TTFT of each round."""
        return [one.ttft for one in self.rounds[system, level]]

    def rates(self, system: str, level: int) -> list[float]:
        """Return the requests a second of each round."""
        return [one.rate for one in self.rounds[system, level]]


async def play(systems: Mapping[str, Loads], plan: Plan, directory: Path) -> Played:
    """Warm up, then play the rounds; raw samples go into `directory`."""
    _clear(directory)
    played = Played()
    for number in range(plan.rounds + 1):
        say("warming up" if number == WARM_UP else f"round {number} of {plan.rounds}")
        for level in LEVELS:
            for system in turns(list(systems), number):
                path = directory / f"round-{number:02}-at-{level:02}-{system}.jsonl"
                samples = await systems[system].run(plan.job(number, level, path))
                if number != WARM_UP:
                    played.take(system, level, samples)
    return played


def _clear(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for stale in directory.glob("round-*.jsonl"):  # an earlier run may have had more rounds
        stale.unlink()


def turns(systems: Sequence[str], number: int) -> list[str]:
    """Return the order of round `number`: each system goes first as often as the others."""
    start = number % len(systems)
    return [*systems[start:], *systems[:start]]


def did(system: str, samples: Sequence[Sample]) -> Did:
    """Sum up one part of a round; raises InternalError where nothing was answered."""
    ok = answered(samples)
    ends = [one.finished for one in ok if one.finished is not None]
    ttfts = [one.ttft for one in ok if one.ttft is not None]
    if not ends or not ttfts:
        first = next((one.error for one in samples if one.error), "answers without any text")
        raise InternalError(f"{system} answered none of {len(samples)} requests: {first}")
    whole = max(ends) - min(one.sent for one in samples)
    return Did(percentile(ttfts, 50), len(ok) / whole)
