"""What one policy's run of one workload adds up to."""

import gzip
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.scenarios.policy.simulation import Result
from bench.statistics import DEFAULT_SLO, percentile

SAMPLES_FILE = "samples.jsonl.gz"
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds of those answered; goodput, hit rate and spill are shares, goodput of all offered.

    `spilled` is by tier, `prediction_error` the median of |predicted - actual|; both are empty
    or None for a policy that predicts nothing.
    """

    offered: int
    rejected: int
    mean: float
    p50: float
    p95: float
    p99: float
    goodput: float
    hit_rate: float
    attempts: float
    round_trip: float
    queue: float
    prefill: float
    spilled: Mapping[str, float]
    prediction_error: float | None


def outcome(results: Sequence[Result]) -> Outcome | None:
    """Sum up results that count; None where none was answered."""
    came = [one for one in results if one.answered]
    if not came:
        return None
    ttfts = [one.ttft for one in came]
    tiers = Counter(one.tier for one in came if one.tier)
    return Outcome(
        offered=len(results),
        rejected=len(results) - len(came),
        mean=_mean(ttfts),
        p50=percentile(ttfts, 50),
        p95=percentile(ttfts, 95),
        p99=percentile(ttfts, 99),
        goodput=sum(one <= DEFAULT_SLO.ttft for one in ttfts) / len(results),
        hit_rate=sum(one.cached_tokens for one in came) / sum(one.prompt_tokens for one in came),
        attempts=_mean([one.attempts for one in results]),
        round_trip=_mean([one.round_trip for one in came]),
        queue=_mean([one.queue for one in came]),
        prefill=_mean([one.prefill for one in came]),
        spilled={tier: many / len(came) for tier, many in sorted(tiers.items())},
        prediction_error=_error(came),
    )


def mean_by_city(results: Iterable[Result]) -> dict[int, float]:
    """Return the mean seconds to a first token of each city."""
    found: defaultdict[int, list[float]] = defaultdict(list)
    for one in results:
        if one.answered:
            found[one.city].append(one.ttft)
    return {city: _mean(seconds) for city, seconds in found.items()}


def write_results(directory: Path, runs: Mapping[tuple[str, str], Sequence[Result]]) -> Path:
    """Write one line of JSON a request, of every (workload, policy); NaN becomes null."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / SAMPLES_FILE
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        for (workload, policy), results in runs.items():
            for one in results:
                row = {name: _plain(value) for name, value in one._asdict().items()}
                file.write(json.dumps({"workload": workload, "policy": policy, **row}) + "\n")
    return path


def _error(came: Sequence[Result]) -> float | None:
    off = [abs(one.predicted - one.actual) for one in came if not math.isnan(one.predicted)]
    return percentile(off, 50) if off else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, _DIGITS)
    return value
