"""Plots of a run on real nodes, each as an inline SVG string."""

from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from bench.report.bars import ratio_bars
from bench.report.theme import DASHES, MARKERS, MUTED, colour, draw, legend
from bench.scenarios.policy.real.figures import Means, foretold_rows, ratios
from bench.scenarios.policy.real.foretold import Foretold
from bench.scenarios.policy.real.plays import Row

Series = Mapping[str, Sequence[Foretold]]


def plots(rows: Sequence[Row], means: Means) -> dict[str, str]:
    """Return the page's plots by caption."""
    scenes: dict[str, list[Foretold]] = {}
    for scene, one in foretold_rows(rows):
        scenes.setdefault(scene, []).append(one)
    return {
        "Predicted against actual time to first token, our client": predicted_against_actual(
            scenes
        ),
        "Mean time to first token, as ratios": ratio_bars(ratios(means)),
    }


def predicted_against_actual(series: Series) -> str:
    """Draw one point an answer, in seconds on both axes; on the dashed line both are equal."""
    return draw("Predicted against actual", partial(_paint, series), height=5.0)


def _paint(series: Series, axes: Axes) -> None:
    for place, (name, seen) in enumerate(series.items()):
        actual = [one.actual for one in seen]
        predicted = [one.predicted for one in seen]
        shape, shade = MARKERS[place % len(MARKERS)], colour(place)
        axes.scatter(
            actual, predicted, 12, shade, marker=shape, alpha=0.75, linewidth=0, label=name
        )
    axes.axline((0.01, 0.01), (1.0, 1.0), color=MUTED.light, linestyle=DASHES, linewidth=1)
    axes.set(xlabel="actual", ylabel="predicted", xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(EngFormatter("s"))
    legend(axes)
