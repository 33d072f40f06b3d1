"""Plots of single requests, each as an inline SVG string; samples' times are in seconds."""

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, PercentFormatter

from bench.report.theme import BAD, DASHES, MARKERS, MUTED, SERIES, colour, draw, legend
from bench.sample import Sample, SampleOutcome, answered, by_pop
from bench.statistics import percentile

# Where the unanswered are marked, as shares of the height; no TTFT reaches above the lower one.
EDGES = {SampleOutcome.REJECTED: ("|", 0.96), SampleOutcome.FAILED: ("x", 0.89)}
HEADROOM = 2.5
LEAST_DELAY_SHOWN = 0.001


def ttft_cdf(series: Mapping[str, Sequence[Sample]], slo: float) -> str:
    """Draw the share of *offered* requests with a first token in time, one curve a series.

    A curve ends below 100 % where requests were rejected or lost. `slo` is in seconds.
    """
    return draw("Time to first token, cumulative", partial(_paint_cdf, series, slo))


def ttft_over_time(samples: Sequence[Sample]) -> str:
    """Draw each request's TTFT at the moment it was meant to be sent, coloured by PoP.

    Those without an answer stand along the upper edge, marked by how they ended.
    """
    return draw("Time to first token over the run", partial(_paint_over_time, samples))


def predicted_against_actual(samples: Sequence[Sample]) -> str:
    """Draw each request's predicted time to first token over the actual one, coloured by PoP.

    On the dashed line both are equal.
    """
    return draw("Predicted against actual", partial(_paint_foretold, samples), height=4.0)


def schedule_delay(samples: Sequence[Sample]) -> str:
    """Draw how late the generator itself was, over the run."""
    return draw("Schedule delay", partial(_paint_delay, samples), height=2.4)


def _paint_cdf(series: Mapping[str, Sequence[Sample]], slo: float, axes: Axes) -> None:
    for place, (name, samples) in enumerate(series.items()):
        ttfts = sorted(one.ttft for one in answered(samples) if one.ttft is not None)
        shares = [count / len(samples) for count in range(1, len(ttfts) + 1)]
        dashes = ("-", "--", "-.", ":")[place // len(SERIES) % 4]
        steps = ([*ttfts[:1], *ttfts], [0.0, *shares] if shares else [])
        axes.step(*steps, dashes, where="post", color=colour(place), label=name)
    label = f"SLO {EngFormatter('s')(slo)}"
    axes.axvline(slo, color=MUTED.light, linestyle=DASHES, linewidth=1, label=label)
    axes.set(xlabel="time to first token", xscale="log")
    axes.set(ylabel="share of offered requests", ylim=(0, 1.02))
    _label_log_seconds(axes.xaxis)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    legend(axes)


def _paint_over_time(samples: Sequence[Sample], axes: Axes) -> None:
    for place, (pop, group) in enumerate(by_pop(answered(samples)).items()):
        sent = [one.scheduled for one in group]
        ttfts = [one.ttft or 0.0 for one in group]
        shape, shade = MARKERS[place % len(MARKERS)], colour(place)
        axes.scatter(sent, ttfts, 9, shade, marker=shape, alpha=0.75, linewidth=0, label=pop)
    axes.set(ylabel="time to first token", yscale="log")
    _show_run(samples, axes)
    _label_log_seconds(axes.yaxis)
    _mark_unanswered(samples, axes)
    legend(axes)


def _mark_unanswered(samples: Sequence[Sample], axes: Axes) -> None:
    edge, top = axes.get_xaxis_transform(), axes.get_ylim()[1]
    for outcome, (marker, height) in EDGES.items():
        ends = [one.scheduled for one in samples if one.outcome is outcome]
        if ends:
            heights = [height] * len(ends)
            label = f"{outcome}, no TTFT ({len(ends)})"
            axes.scatter(ends, heights, 18, BAD.light, marker=marker, transform=edge, label=label)
            axes.set_ylim(top=top * HEADROOM)


def _paint_foretold(samples: Sequence[Sample], axes: Axes) -> None:
    known = [one for one in samples if one.prediction_error is not None]
    for place, (pop, group) in enumerate(by_pop(known).items()):
        actual = [one.actual or 0.0 for one in group]
        predicted = [one.predicted or 0.0 for one in group]
        shape, shade = MARKERS[place % len(MARKERS)], colour(place)
        axes.scatter(actual, predicted, 9, shade, marker=shape, alpha=0.75, linewidth=0, label=pop)
    axes.axline((0.01, 0.01), (1.0, 1.0), color=MUTED.light, linestyle=DASHES, linewidth=1)
    axes.set(xlabel="actual", ylabel="predicted", xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        _label_log_seconds(axis)
    legend(axes)


def _paint_delay(samples: Sequence[Sample], axes: Axes) -> None:
    delays = [one.schedule_delay for one in samples]
    sent = [one.scheduled for one in samples]
    axes.scatter(sent, delays, 7, colour(0), alpha=0.6, linewidth=0, label="a request")
    if delays:
        late = percentile(delays, 99)
        label = f"p99 {EngFormatter('s', places=1)(late)}"
        axes.axhline(late, color=MUTED.light, linestyle=DASHES, linewidth=1, label=label)
    axes.yaxis.set_major_formatter(EngFormatter("s"))
    axes.set(ylabel="sent late by", ylim=(0, 1.1 * max(delays, default=0.0) or LEAST_DELAY_SHOWN))
    _show_run(samples, axes)
    legend(axes)


def _show_run(samples: Sequence[Sample], axes: Axes) -> None:
    end = max((one.scheduled for one in samples), default=0.0)
    axes.set(xlabel="meant to be sent, seconds into the run", xlim=(-0.01 * end, 1.01 * end or 1.0))


def _label_log_seconds(axis: Axis) -> None:
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(EngFormatter("s"))
    axis.set_minor_formatter(NullFormatter())
