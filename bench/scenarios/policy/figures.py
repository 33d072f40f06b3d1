"""What a comparison says: each policy's latencies, and the ratios it is judged by."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from bench.report.figures import Figure
from bench.scenarios.policy.outcome import Outcome, mean_by_city, outcome
from bench.scenarios.policy.runs import (
    BOUND,
    CENTRAL,
    CLAIRVOYANT,
    NEAREST,
    OURS,
    ROUND_ROBIN,
)
from bench.scenarios.policy.simulation import Result
from bench.scenarios.results import at_least, at_most
from bench.statistics import percentile

CLAIRVOYANT_MOST = 1.15
NEAREST_LEAST = 2.0
ROUND_ROBIN_LEAST = 2.0
LONG_TOKENS = 2000
"""A prompt from here on is long: its prefill takes longer than crossing an ocean."""
MS = 1000.0
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Compared:
    """One workload: results after the warm-up by policy, and the lower bounds."""

    name: str
    results: Mapping[str, Sequence[Result]]
    bounds: Sequence[float]

    def outcomes(self) -> dict[str, Outcome]:
        """Return what each policy came to, without those that answered nothing."""
        found = {policy: outcome(results) for policy, results in self.results.items()}
        return {policy: one for policy, one in found.items() if one is not None}


@dataclass(frozen=True, slots=True)
class CentralWins:
    """Where the one central region answers sooner on average: the cities' indices, and its
    share of all requests and of long prompts that came sooner there."""

    cities: Mapping[int, tuple[float, float]]
    requests: float
    long_prompts: float


def figures(compared: Sequence[Compared], load: float) -> list[Figure]:
    """Return the judged ratios first, then the figures of each workload and policy."""
    outcomes = {one.name: one.outcomes() for one in compared}
    found = [ratio for one in compared for ratio in _ratios(one.name, outcomes[one.name], load)]
    for one in compared:
        ours = outcomes[one.name].get(OURS)
        if ours is not None and ours.prediction_error is not None:
            error = MS * ours.prediction_error
            found.append(Figure(f"{one.name}: median error of a prediction", error, "ms"))
        found.extend(_central(one))
        for policy, came in outcomes[one.name].items():
            found.extend(_latencies(f"{one.name}, {policy}", came))
        found.append(
            Figure(f"{one.name}, {BOUND}: TTFT p95", MS * percentile(one.bounds, 95), "ms")
        )
    return found


def details(compared: Sequence[Compared]) -> dict[str, object]:
    """Return everything by workload and policy, for summary.json."""
    return {
        one.name: {
            **{policy: asdict(came) for policy, came in one.outcomes().items()},
            BOUND: {
                "mean": sum(one.bounds) / len(one.bounds),
                **{f"p{at}": percentile(one.bounds, at) for at in (50, 95, 99)},
            },
        }
        for one in compared
    }


def central_wins(one: Compared) -> CentralWins | None:
    """Compare the central region with ours, city by city and for long prompts."""
    ours, central = one.results.get(OURS), one.results.get(CENTRAL)
    if not ours or not central:
        return None
    edge, centre = mean_by_city(ours), mean_by_city(central)
    cities = {
        city: (edge[city], centre[city])
        for city in edge
        if city in centre and centre[city] < edge[city]
    }
    pairs = list(zip(ours, central, strict=True))
    long = [pair for pair in pairs if pair[0].prompt_tokens >= LONG_TOKENS]
    return CentralWins(cities, _sooner(pairs), _sooner(long))


def _sooner(pairs: Sequence[tuple[Result, Result]]) -> float:
    """Return the share of requests that the second answered sooner."""
    # NaN is never sooner, and nothing is sooner than it: a refusal counts as not answered.
    won = sum(b.answered and not b.ttft >= a.ttft for a, b in pairs)
    return won / len(pairs) if pairs else 0.0


def _ratios(name: str, came: Mapping[str, Outcome], load: float) -> list[Figure]:
    ours = came.get(OURS)
    if ours is None:
        return []
    found = []
    if (best := came.get(CLAIRVOYANT)) is not None:
        text = f"{name}: ours over clairvoyant, TTFT p95 at {load:.0%} load"
        found.append(at_most(text, ours.p95 / best.p95, "ratio", CLAIRVOYANT_MOST))
    if name == "surge" and (nearest := came.get(NEAREST)) is not None:
        text = "surge: nearest by map over ours, TTFT p95"
        found.append(at_least(text, nearest.p95 / ours.p95, "ratio", NEAREST_LEAST))
    if name == "shared" and (turns := came.get(ROUND_ROBIN)) is not None:
        text = "shared: round robin over ours, mean TTFT"
        found.append(at_least(text, turns.mean / ours.mean, "ratio", ROUND_ROBIN_LEAST))
    return found


def _central(one: Compared) -> list[Figure]:
    wins = central_wins(one)
    if wins is None:
        return []
    return [
        Figure(f"{one.name}: cities where one central region wins", len(wins.cities), "cities"),
        Figure(f"{one.name}: requests sooner there", PERCENT * wins.requests, "%"),
        Figure(f"{one.name}: long prompts sooner there", PERCENT * wins.long_prompts, "%"),
    ]


def _latencies(name: str, came: Outcome) -> list[Figure]:
    return [
        Figure(f"{name}: TTFT mean", MS * came.mean, "ms"),
        Figure(f"{name}: TTFT p95", MS * came.p95, "ms"),
        Figure(f"{name}: goodput at 500 ms", PERCENT * came.goodput, "%"),
        Figure(f"{name}: prompt tokens from cache", PERCENT * came.hit_rate, "%"),
        Figure(f"{name}: rejected", came.rejected, "requests"),
    ]
