"""Plots of a comparison, each as an inline SVG string."""

import random
from collections.abc import Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, PercentFormatter

from bench.report.theme import BAD, DASHES, MUTED, SERIES, colour, draw, legend
from bench.scenarios.policy.cities import City
from bench.scenarios.policy.figures import CentralWins, Compared, central_wins
from bench.scenarios.policy.runs import BOUND, OURS
from bench.scenarios.policy.simulation import Result
from bench.statistics import DEFAULT_SLO

POINTS = 300
"""Of a curve: a page of forty curves stays below a megabyte."""
DOTS = 1500
INCHES_PER_ROW = 0.3
INCHES_AROUND = 0.9


def plots(compared: Sequence[Compared], cities: Sequence[City]) -> dict[str, str]:
    """Return the page's plots by caption."""
    found: dict[str, str] = {}
    for one in compared:
        found[f"{one.name}: time to first token, share of offered requests"] = cdf(one)
        found[f"{one.name}: time to first token, p95"] = p95_bars(one)
        if (wins := central_wins(one)) is not None:
            found[f"{one.name}: where one central region answers sooner"] = win_map(wins, cities)
        if results := one.results.get(OURS):
            found[f"{one.name}: predicted and actual time to first token"] = accuracy(results)
    return found


def cdf(one: Compared) -> str:
    """Draw the share of offered requests with a first token in time, one curve a policy."""
    offered = {
        policy: (sorted(r.ttft for r in results if r.answered), len(results))
        for policy, results in one.results.items()
    }
    offered[BOUND] = (sorted(one.bounds), len(one.bounds))
    return draw(f"TTFT of {one.name}", partial(_paint_cdf, offered))


def p95_bars(one: Compared) -> str:
    """Draw each policy's 95th percentile."""
    rows = {policy: came.p95 for policy, came in one.outcomes().items()}
    height = INCHES_AROUND + INCHES_PER_ROW * max(1, len(rows))
    return draw(f"p95 of {one.name}", partial(_paint_bars, rows), height=height)


def win_map(wins: CentralWins, cities: Sequence[City]) -> str:
    """Draw all cities, those on top where the central region's mean is the shorter one."""
    return draw("Where the centre wins", partial(_paint_map, wins, cities), height=3.4)


def accuracy(results: Sequence[Result]) -> str:
    """Draw predicted against actual, of a sample of the requests."""
    known = [(r.predicted, r.actual) for r in results if r.answered and r.predicted > 0]
    drawn = random.Random(0).sample(known, min(DOTS, len(known)))
    return draw("Predicted and actual", partial(_paint_accuracy, drawn), height=3.4)


def _paint_cdf(offered: Mapping[str, tuple[list[float], int]], axes: Axes) -> None:
    for place, (name, (ttfts, count)) in enumerate(offered.items()):
        step = max(1, len(ttfts) // POINTS)
        ranks = range(0, len(ttfts), step)
        dashes = ("-", "--", "-.", ":")[place // len(SERIES) % 4]
        shares = [(rank + 1) / count for rank in ranks]
        axes.plot([ttfts[rank] for rank in ranks], shares, dashes, color=colour(place), label=name)
    slo = DEFAULT_SLO.ttft
    label = f"SLO {EngFormatter('s')(slo)}"
    axes.axvline(slo, color=MUTED.light, linestyle=DASHES, linewidth=1, label=label)
    axes.set(xlabel="time to first token", xscale="log")
    axes.set(ylabel="share of offered requests", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    _log_seconds(axes, "x")
    legend(axes)


def _paint_bars(rows: Mapping[str, float], axes: Axes) -> None:
    places = range(len(rows))
    axes.barh(places, list(rows.values()), 0.55, color=colour(0), alpha=0.7)
    for row, seconds in enumerate(rows.values()):
        text = EngFormatter("s", places=0)(seconds)
        axes.annotate(text, (seconds, row), (6, 0), textcoords="offset points", va="center")
    axes.set_yticks(places, list(rows))
    axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
    axes.set(
        xlabel="p95 of the time to first token", xlim=(0, 1.15 * max(rows.values(), default=1))
    )
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(EngFormatter("s"))


def _paint_map(wins: CentralWins, cities: Sequence[City], axes: Axes) -> None:
    spots = [one.position for one in cities]
    lost = [cities[index].position for index in wins.cities]
    longitudes, latitudes = [p.longitude for p in spots], [p.latitude for p in spots]
    axes.scatter(longitudes, latitudes, 5, MUTED.light, linewidth=0, label="the edge is sooner")
    label = f"the centre is sooner ({len(lost)})"
    where = [p.longitude for p in lost], [p.latitude for p in lost]
    axes.scatter(*where, 14, BAD.light, marker="x", linewidth=1, label=label)
    axes.set(xlabel="longitude", ylabel="latitude", xlim=(-180, 180), ylim=(-60, 75))
    legend(axes)


def _paint_accuracy(pairs: Sequence[tuple[float, float]], axes: Axes) -> None:
    predicted, actual = [one for one, _ in pairs], [one for _, one in pairs]
    axes.scatter(predicted, actual, 6, colour(0), alpha=0.5, linewidth=0, label="a request")
    both = (*predicted, *actual)
    ends = [min(both, default=0.01), max(both, default=1.0)]
    axes.plot(ends, ends, color=MUTED.light, linestyle=DASHES, linewidth=1, label="exact")
    axes.set(xlabel="predicted", ylabel="actual", xscale="log", yscale="log")
    _log_seconds(axes, "x")
    _log_seconds(axes, "y")
    legend(axes)


def _log_seconds(axes: Axes, which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(EngFormatter("s"))
    axis.set_minor_formatter(NullFormatter())
