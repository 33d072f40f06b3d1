"""Figures of a growing fleet."""

from dataclasses import replace

import pytest

from bench.scenarios.size.command import read_sizes
from bench.scenarios.size.figures import figures, plots
from bench.scenarios.size.jobs import Asked, Asking
from bench.scenarios.size.plane import Usage
from bench.scenarios.size.rounds import Measured, Reporting
from nearfield.core.errors import InvalidRequest

PACED = Asked(40_000, 0, 2000.0, 0.0005, 0.002, 0.0001)
SMALL = Measured(
    4300, 3.0, Reporting(0.2, 4300.0, 5e5, 3 * 10**8), PACED, 0.8, PACED, 1.0, 4 * 10**8, 0, 5e3
)
LARGE = replace(SMALL, nodes=20_000)


def _holds(*measured: Measured) -> dict[str, bool | None]:
    return {one.name: one.holds for one in figures(measured)}


def test_a_fleet_that_meets_all_targets_says_so() -> None:
    assert False not in _holds(SMALL).values()


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        (replace(SMALL, paced=replace(PACED, p99=0.0031)), "route p99 at 4300 nodes"),
        (replace(SMALL, paced=replace(PACED, failed=1)), "routes without a lease at 4300 nodes"),
        (replace(SMALL, flat_out=replace(PACED, failed=1)), "routes without a lease at 4300 nodes"),
        (
            replace(SMALL, flat_out=replace(PACED, rate=1999.0)),
            "routes/s at 4300 nodes, asked without a rest",
        ),
        (
            replace(SMALL, reporting=replace(SMALL.reporting, cpu=0.26)),
            "CPU, reports alone at 4300 nodes",
        ),
        (replace(SMALL, resident_bytes=501 * 10**6), "memory at 4300 nodes"),
        (replace(SMALL, lost=1), "links lost at 4300 nodes"),
    ],
)
def test_what_misses_its_target_does_not_hold(changed: Measured, name: str) -> None:
    assert [one for one, holds in _holds(changed).items() if holds is False] == [name]


def test_a_larger_fleets_memory_and_reports_have_no_target() -> None:
    holds = _holds(LARGE)
    assert holds["memory at 20000 nodes"] is None
    assert holds["CPU, reports alone at 20000 nodes"] is None


def test_a_routes_cost_may_not_grow_with_the_fleet() -> None:
    name = "CPU a route, 20000 nodes over 4300"
    assert _holds(SMALL, LARGE)[name] is True
    assert _holds(SMALL, replace(LARGE, cpu=0.96))[name] is False
    assert name not in _holds(LARGE)


def test_the_cost_of_a_route_is_what_it_adds_to_the_reports() -> None:
    assert SMALL.cpu_per_route == pytest.approx(0.0003)
    assert replace(SMALL, paced=replace(PACED, rate=0.0)).cpu_per_route == 0


def test_the_page_plots_each_size_of_the_fleet() -> None:
    drawn = plots([SMALL, LARGE])
    assert len(drawn) == 4
    assert all("4,300" in svg and "20,000" in svg for svg in drawn.values())


def test_a_share_of_a_core_is_cpu_over_time() -> None:
    assert Usage(3.0, 14.0).share_since(Usage(1.0, 10.0)) == 0.5


def test_sizes_are_played_from_the_smallest_each_once() -> None:
    assert read_sizes("4300, 100,4300") == (100, 4300)


@pytest.mark.parametrize("text", ["", "0", "ten", "1,,2", "100001", "-5"])
def test_a_size_out_of_bounds_is_named(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_sizes(text)
    assert refused.value.field == "nodes"
    assert refused.value.limit == "1 to 100000, separated by commas"


def test_what_a_worker_is_told_survives_its_line() -> None:
    asking = Asking(1.5, "a/b.jsonl", 2000.0, 0, 7)
    assert Asking.from_line(asking.to_line()) == asking
