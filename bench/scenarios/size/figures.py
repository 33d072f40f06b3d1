"""How a control plane grows, in figures with their targets, and as plots."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, NullLocator

from bench.report.figures import Figure
from bench.report.theme import BAD, DASHES, colour, draw, legend
from bench.scenarios.results import at_least, at_most
from bench.scenarios.size.rounds import Measured

REFERENCE = 4_300
"""Nodes for which one core has to do; larger fleets have several replicas or are slower."""
P99_SECONDS_MOST = 0.003
REPORTING_CPU_MOST = 0.25
RESIDENT_BYTES_MOST = 500e6
RATE_LEAST = 2_000.0
GROWTH_MOST = 1.25
"""Of a route's cost, from the reference to the largest fleet: noise of runs, and no more."""
MB = 1e6


def figures(measured: Sequence[Measured]) -> list[Figure]:
    """Return all figures, fleet by fleet, and how a route's cost grows."""
    found = [figure for one in measured for figure in _of_fleet(one)]
    largest = max(measured, key=lambda one: one.nodes)
    reference = next((one for one in measured if one.nodes == REFERENCE), None)
    if reference and reference.cpu_per_route and largest is not reference:
        ratio = largest.cpu_per_route / reference.cpu_per_route
        name = f"CPU a route, {largest.nodes} nodes over {REFERENCE}"
        found.append(at_most(name, ratio, "ratio", GROWTH_MOST))
    return found


def _of_fleet(one: Measured) -> list[Figure]:
    at = f"at {one.nodes} nodes"
    alone, paced, most = one.reporting, one.paced, one.flat_out
    judged = one.nodes <= REFERENCE
    return [
        Figure(f"routes/s {at}, asked at a rate", paced.rate, "1/s"),
        Figure(f"route p50 {at}", 1e3 * paced.p50, "ms"),
        at_most(f"route p99 {at}", 1e3 * paced.p99, "ms", 1e3 * P99_SECONDS_MOST),
        Figure(f"clients' own delay p99 {at}", 1e3 * paced.late_p99, "ms"),
        at_most(f"routes without a lease {at}", paced.failed + most.failed, "routes", 0),
        at_least(f"routes/s {at}, asked without a rest", most.rate, "1/s", RATE_LEAST),
        _judged(f"CPU, reports alone {at}", alone.cpu, "cores", REPORTING_CPU_MOST, judged),
        Figure(f"CPU with routes {at}", one.cpu, "cores"),
        Figure(f"CPU a route {at}", 1e6 * one.cpu_per_route, "µs"),
        _judged(f"memory {at}", one.resident_bytes / MB, "MB", RESIDENT_BYTES_MOST / MB, judged),
        Figure(f"reports/s {at}", alone.reports, "1/s"),
        Figure(f"bytes/s in {at}", alone.bytes, "B/s"),
        Figure(f"joining {at}", one.join_seconds, "s"),
        at_most(f"links lost {at}", one.lost, "links", 0),
        Figure(f"decisions/s in process {at}", one.decisions, "1/s"),
    ]


def _judged(name: str, value: float, unit: str, limit: float, judged: bool) -> Figure:
    return at_most(name, value, unit, limit) if judged else Figure(name, value, unit)


Series = Mapping[str, Callable[[Measured], float]]


def plots(measured: Sequence[Measured]) -> Mapping[str, str]:
    """Return the page's plots by caption."""
    latency: Series = {
        "p50": lambda one: one.paced.p50,
        "p99": lambda one: one.paced.p99,
    }
    cpu: Series = {
        "reports alone": lambda one: one.reporting.cpu,
        "with routes": lambda one: one.cpu,
    }
    rate: Series = {
        "asked without a rest": lambda one: one.flat_out.rate,
        "decided in process": lambda one: one.decisions,
    }
    memory: Series = {
        "reports alone": lambda one: one.reporting.resident_bytes,
        "after the routes": lambda one: one.resident_bytes,
    }
    grow = partial(_growth, measured)
    return {
        "A route's latency, from when it was meant": grow("latency", latency, "s", 0.003),
        "The control plane's share of a core": grow("share of a core", cpu, "", 1.0),
        "Routes a second": grow("routes a second", rate, "", RATE_LEAST),
        "The control plane's memory": grow("resident", memory, "B", RESIDENT_BYTES_MOST),
    }


def _growth(
    measured: Sequence[Measured], what: str, series: Series, unit: str, target: float
) -> str:
    paint = partial(_paint, measured, what, series, unit, target)
    return draw(f"Growth: {what}", paint, height=2.6)


def _paint(
    measured: Sequence[Measured],
    what: str,
    series: Series,
    unit: str,
    target: float,
    axes: Axes,
) -> None:
    sizes = [one.nodes for one in measured]
    for place, (name, value) in enumerate(series.items()):
        values = [value(one) for one in measured]
        axes.plot(sizes, values, "o-", color=colour(place), label=name, markersize=4)
    mark = EngFormatter(unit)(target)
    axes.axhline(target, color=BAD.light, linestyle=DASHES, linewidth=1.2, label=mark)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(EngFormatter(unit))
    axes.set(xlabel="nodes", ylabel=what)
    axes.set_ylim(bottom=0)
    legend(axes)
