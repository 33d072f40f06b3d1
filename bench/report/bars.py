"""Plots of aggregates, each as an inline SVG string: one bar a row."""

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from bench.report.theme import BAD, DASHES, INK, MUTED, PAGE, colour, draw, legend
from bench.sample import Sample, answered, by_pop
from bench.statistics import Ratio

INCHES_PER_ROW = 0.4
INCHES_AROUND = 0.9
REST = "the rest"
"""TTFT that no part of the split accounts for, the generator's own delay among it."""


def ttft_split(samples: Sequence[Sample]) -> str:
    """Draw where the mean TTFT of answered requests went, one stacked bar a PoP.

    Means, since medians of the parts would not add up to any request's TTFT.
    """
    rows = {pop: mean_split(group) for pop, group in by_pop(answered(samples)).items()}
    name = "Where the time to first token went"
    return draw(name, partial(_paint_split, rows), height=_height(len(rows)))


def ratio_bars(ratios: Mapping[str, Ratio], target: float | None = None) -> str:
    """Draw medians as bars with their spread, and the target as a dashed line."""
    return draw("Ratios", partial(_paint_ratios, ratios, target), height=_height(len(ratios)))


def mean_split(samples: Sequence[Sample]) -> dict[str, float]:
    """Return the mean seconds of each part of the TTFT, by its name; `samples` has one or more."""
    parts = {
        "route": [one.split.route for one in samples],
        "round trip": [one.split.round_trip for one in samples],
        "queue": [one.split.queue for one in samples],
        "prefill": [one.split.prefill for one in samples],
        REST: [max(0.0, (one.ttft or 0.0) - one.split.total) for one in samples],
    }
    return {name: sum(values) / len(values) for name, values in parts.items()}


def _paint_split(rows: Mapping[str, Mapping[str, float]], axes: Axes) -> None:
    places = range(len(rows))
    ends = [0.0] * len(rows)
    for index, part in enumerate(next(iter(rows.values()), {})):
        widths = [split[part] for split in rows.values()]
        shade = MUTED.light if part == REST else colour(index)
        axes.barh(places, widths, 0.6, ends, color=shade, label=part, edgecolor=PAGE.light)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    _write_beside(axes, ends, [EngFormatter("s", places=0)(end) for end in ends])
    _name_rows(axes, list(rows))
    axes.xaxis.set_major_formatter(EngFormatter("s"))
    axes.set(xlabel="mean time to first token", xlim=(0, 1.12 * max(ends, default=1.0)))
    legend(axes)


def _paint_ratios(ratios: Mapping[str, Ratio], target: float | None, axes: Axes) -> None:
    medians = [ratio.median for ratio in ratios.values()]
    below = [ratio.median - ratio.low for ratio in ratios.values()]
    highs = [ratio.high for ratio in ratios.values()]
    above = [high - median for high, median in zip(highs, medians, strict=True)]
    rows = range(len(ratios))
    axes.barh(rows, medians, 0.55, color=colour(0), alpha=0.6)
    axes.errorbar(medians, rows, None, [below, above], fmt="none", ecolor=INK.light, capsize=3)
    _write_beside(axes, highs, [_spread(ratio) for ratio in ratios.values()])
    if target is not None:
        label = f"target {target:g}"
        axes.axvline(target, color=BAD.light, linestyle=DASHES, linewidth=1.2, label=label)
    _name_rows(axes, list(ratios))
    axes.set(xlabel="ratio: median, and the middle 80 % of rounds")
    axes.set_xlim(0, 1.3 * max([*highs, target or 1.0]))
    legend(axes)


def _spread(ratio: Ratio) -> str:
    return f"{ratio.median:.3g}  ({ratio.low:.3g} to {ratio.high:.3g})"


def _height(rows: int) -> float:
    return INCHES_AROUND + INCHES_PER_ROW * max(1, rows)


def _write_beside(axes: Axes, ends: Sequence[float], texts: Sequence[str]) -> None:
    for row, (end, text) in enumerate(zip(ends, texts, strict=True)):
        axes.annotate(text, (end, row), (6, 0), textcoords="offset points", va="center")


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelcolor=INK.light)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(max(1, len(names)) - 0.5, -0.5)
