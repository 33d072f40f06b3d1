"""What the samples of a run add up to.

Latencies are those of answered requests; what was turned away or lost shows in the counts and
in the goodput over *offered* load, which no refusal can improve.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.sample import Sample, SampleOutcome
from nearfield.core.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Slo:
    """The most a good request takes, in seconds; MLPerf's interactive limits for an 8B model."""

    ttft: float = 0.5
    tpot: float = 0.03

    def met_by(self, sample: Sample) -> bool:
        """Tell whether a request was answered in time; one token alone has no TPOT to miss."""
        if sample.outcome is not SampleOutcome.OK or sample.ttft is None:
            return False
        return sample.ttft <= self.ttft and (sample.tpot is None or sample.tpot <= self.tpot)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """In the unit of the values."""

    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median over the rounds, and the middle 80 % of them."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A run without its warm-up; times in seconds, rates a second, goodput and shares 0 to 1.

    The requested rate is that of the schedule, the achieved one that of the sending: where
    they differ, the generator was the bottleneck. Percentiles are None where nothing counts.
    """

    warm_up: int
    offered: int
    ok: int
    good: int
    rejected: int
    failed: int
    requested_rate: float
    achieved_rate: float
    output_tokens_per_second: float
    cached_prompt_share: float
    goodput_over_offered: float
    goodput_over_successful: float
    schedule_delay: Percentiles | None
    ttft: Percentiles | None
    tpot: Percentiles | None
    e2e: Percentiles | None
    chunk_gap: Percentiles | None


DEFAULT_SLO = Slo()


def summarize(samples: Sequence[Sample], *, slo: Slo = DEFAULT_SLO, warm_up: float = 0) -> Summary:
    """Sum up a run, leaving out what was scheduled in its first `warm_up` seconds."""
    counted = [one for one in samples if one.scheduled >= warm_up]
    ok = [one for one in counted if one.outcome is SampleOutcome.OK]
    good = sum(slo.met_by(one) for one in ok)
    return Summary(
        warm_up=len(samples) - len(counted),
        offered=len(counted),
        ok=len(ok),
        good=good,
        rejected=sum(one.outcome is SampleOutcome.REJECTED for one in counted),
        failed=sum(one.outcome is SampleOutcome.FAILED for one in counted),
        requested_rate=_rate([one.scheduled for one in counted]),
        achieved_rate=_rate([one.sent for one in counted]),
        output_tokens_per_second=_output_rate(ok),
        cached_prompt_share=_quotient(
            sum(one.cached_prompt_tokens for one in ok), sum(one.prompt_tokens for one in ok)
        ),
        goodput_over_offered=_quotient(good, len(counted)),
        goodput_over_successful=_quotient(good, len(ok)),
        schedule_delay=percentiles(one.schedule_delay for one in counted),
        ttft=percentiles(one.ttft for one in ok),
        tpot=percentiles(one.tpot for one in ok),
        e2e=percentiles(one.e2e for one in ok),
        chunk_gap=percentiles(gap for one in ok for gap in one.chunk_gaps),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value at `percent` (0 to 100), linear between neighbours.

    Raises InvalidRequest for no values or a percent out of range.
    """
    if not values or not 0 <= percent <= 100:
        raise InvalidRequest(
            f"no percentile {percent} of {len(values)} values", field="percent", limit="0 to 100"
        )
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def percentiles(values: Iterable[float | None]) -> Percentiles | None:
    """Return p50, p90 and p99 of those that are known; None where none is."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    return Percentiles(percentile(known, 50), percentile(known, 90), percentile(known, 99))


def paired_ratio(a: Sequence[float], b: Sequence[float]) -> Ratio:
    """Compare two systems round by round, `a` over `b`; round i of both ran side by side.

    A slow spell of a shared machine meets both sides of a round and leaves their ratio alone.
    Raises InvalidRequest unless both have the same number of rounds and `b` is above 0.
    """
    if not a or len(a) != len(b) or min(b) <= 0:
        raise InvalidRequest(
            f"cannot pair {len(a)} rounds with {len(b)}",
            field="rounds",
            limit="as many on both sides, 1 or more, the second above 0",
        )
    ratios = [mine / theirs for mine, theirs in zip(a, b, strict=True)]
    return Ratio(percentile(ratios, 50), percentile(ratios, 10), percentile(ratios, 90))


def _rate(offsets: Sequence[float]) -> float:
    """Return events a second from the gaps between them; 0 with fewer than two."""
    span = max(offsets, default=0.0) - min(offsets, default=0.0)
    return (len(offsets) - 1) / span if span > 0 else 0.0


def _output_rate(ok: Sequence[Sample]) -> float:
    ends = [one.finished for one in ok if one.finished is not None]
    span = max(ends, default=0.0) - min((one.sent for one in ok), default=0.0)
    return _quotient(sum(one.completion_tokens for one in ok), span)


def _quotient(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
