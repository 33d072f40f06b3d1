"""What a run says: figures against the SLO, and plots."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from bench.report.bars import ttft_split
from bench.report.figures import Figure
from bench.report.plots import (
    predicted_against_actual,
    schedule_delay,
    ttft_cdf,
    ttft_over_time,
)
from bench.sample import Sample, SampleOutcome
from bench.scenarios.results import at_least, at_most
from bench.scenarios.ttft.run import Run
from bench.statistics import Percentiles, Slo, Summary, percentile, summarize
from control_plane.routing.decision import LEASE_SECONDS
from nearfield.core.errors import InternalError
from nearfield.core.geo import Position

RATE_KEPT = 0.98
"""Of the requested rate; below it the generator was the bottleneck and latencies say little."""
MS = 1000.0
PERCENT = 100.0


def counted(samples: Sequence[Sample], warm_up: float) -> list[Sample]:
    """Return the samples after the warm-up; raises InternalError where none has a first token."""
    kept = [one for one in samples if one.scheduled >= warm_up]
    if not any(one.outcome is SampleOutcome.OK and one.ttft is not None for one in kept):
        first = next((one.error for one in kept if one.error), "answers without any text")
        raise InternalError(f"none of {len(kept)} requests had a first token: {first}")
    return kept


def figures(run: Run, slo: Slo, warm_up: float) -> list[Figure]:
    """Return the figures of a run that has answers."""
    summary = summarize(run.samples, slo=slo, warm_up=warm_up)
    return [
        *_latencies(summary, slo),
        Figure("goodput over offered", PERCENT * summary.goodput_over_offered, "%"),
        Figure("goodput over successful", PERCENT * summary.goodput_over_successful, "%"),
        *_rates(summary),
        Figure("offered", summary.offered, "requests"),
        at_most("rejected", summary.rejected, "requests", 0),
        at_most("failed", summary.failed, "requests", 0),
        Figure("prompt tokens from cache", PERCENT * summary.cached_prompt_share, "%"),
        Figure("output tokens", summary.output_tokens_per_second, "1/s"),
        Figure("route questions a request", run.routes_asked / len(run.samples), ""),
        Figure("early route questions", run.early_routes, "questions"),
        at_most("awaited questions beyond a client's first", _beyond_first(run), "questions", 0),
        *_prediction(counted(run.samples, warm_up)),
    ]


def _beyond_first(run: Run) -> int:
    """How many questions were waited for that a lease should have answered.

    A client waits for its first, and anew after a pause in which its lease may have ended.
    """
    pauses = 0
    for number in range(run.clients):
        meant = [one.scheduled for one in run.samples if one.index % run.clients == number]
        pauses += sum(later - earlier >= LEASE_SECONDS for earlier, later in pairwise(meant))
    return max(0, run.routes_awaited - run.early_routes - run.clients - pauses)


def _prediction(samples: Sequence[Sample]) -> list[Figure]:
    known = [one for one in samples if one.prediction_error is not None and one.actual]
    if not known:
        return []
    off = [one.prediction_error or 0.0 for one in known]
    shares = [error / (one.actual or 1.0) for error, one in zip(off, known, strict=True)]
    return [
        Figure("prediction error p50", MS * percentile(off, 50), "ms"),
        Figure("prediction error p50, of the actual TTFT", PERCENT * percentile(shares, 50), "%"),
    ]


def plots(
    run: Run, places: Sequence[Position | None], slo: Slo, warm_up: float
) -> Mapping[str, str]:
    """Return the page's plots by caption."""
    kept = counted(run.samples, warm_up)
    series = {
        name_of(where): [one for one in kept if one.index % len(places) == number]
        for number, where in enumerate(places)
    }
    asked = {name: samples for name, samples in series.items() if samples}
    return {
        "Time to first token, share of offered requests by client": ttft_cdf(asked, slo.ttft),
        "Where the time to first token went, mean by PoP": ttft_split(kept),
        "Time to first token over the run, warm-up included": ttft_over_time(run.samples),
        "Predicted against actual time to first token": predicted_against_actual(kept),
        "How late the generator itself was": schedule_delay(run.samples),
    }


def name_of(where: Position | None) -> str:
    """Return a client's place for a legend."""
    return f"{where.latitude:g},{where.longitude:g}" if where else "all requests"


def _latencies(summary: Summary, slo: Slo) -> list[Figure]:
    ttft, tpot = summary.ttft, summary.tpot
    found = []
    if ttft is not None:
        found += [
            Figure("TTFT p50", MS * ttft.p50, "ms"),
            at_most("TTFT p99", MS * ttft.p99, "ms", MS * slo.ttft),
        ]
    if tpot is not None:
        found += [
            Figure("TPOT p50", MS * tpot.p50, "ms"),
            at_most("TPOT p99", MS * tpot.p99, "ms", MS * slo.tpot),
        ]
    return found


def _rates(summary: Summary) -> list[Figure]:
    rates = [
        Figure("requested rate", summary.requested_rate, "1/s"),
        Figure("achieved rate", summary.achieved_rate, "1/s"),
    ]
    if summary.requested_rate:
        kept = summary.achieved_rate / summary.requested_rate
        rates.append(at_least("achieved over requested rate", kept, "ratio", RATE_KEPT))
    late: Percentiles | None = summary.schedule_delay
    return [*rates, Figure("schedule delay p99", MS * late.p99, "ms")] if late else rates
