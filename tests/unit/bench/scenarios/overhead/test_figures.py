import pytest

from bench.report.figures import Figure
from bench.scenarios.overhead.figures import figures, plots, rate_ratios, ttft_ratios
from bench.scenarios.overhead.rounds import Played
from tests.support.bench_builders import played

TARGETS = {
    "TTFT p50 at 1, node / engine in process": "≤ 1.25",
    "TTFT p50 at 1, node / OpenAI server": "≤ 1",
    "TTFT p50 at 16, node / OpenAI server": "< 1",
    "TTFT p50 at 64, node / OpenAI server": "< 1",
    "requests/s at 16, node / engine in process": "≥ 0.92",
    "requests/s at 64, node / engine in process": "≥ 0.92",
    "node agent, idle CPU": "≤ 2",
    "requests lost, all systems": "≤ 0",
    "prompt tokens from cache": "≤ 0",
}


def by_name(rounds: Played, idle: float = 0.001) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures(rounds, idle)}


def failing(rounds: Played, idle: float = 0.001) -> set[str]:
    return {name for name, figure in by_name(rounds, idle).items() if figure.holds is False}


def test_the_targets_are_those_that_were_set() -> None:
    found = by_name(played())
    assert {name: one.target for name, one in found.items() if one.target} == TARGETS


def test_a_node_between_its_bounds_meets_every_target() -> None:
    assert failing(played(ttft=0.99, rate=0.93)) == set()


@pytest.mark.parametrize(
    ("rounds", "missed"),
    [
        (played(ttft=1.0), {"16, node / OpenAI server", "64, node / OpenAI server"}),
        (
            played(ttft=1.3),
            {f"{level}, node / OpenAI server" for level in (1, 16, 64)}
            | {"1, node / engine in process"},
        ),
    ],
)
def test_a_slower_first_token_misses_what_it_exceeds(rounds: Played, missed: set[str]) -> None:
    assert failing(rounds) == {f"TTFT p50 at {where}" for where in missed}


def test_a_lower_rate_misses_the_engines_share() -> None:
    slow = failing(played(ttft=0.9, rate=0.9))
    assert slow == {f"requests/s at {level}, node / engine in process" for level in (16, 64)}


def test_idle_cpu_is_a_percentage_of_a_core() -> None:
    found = by_name(played(), idle=0.03)["node agent, idle CPU"]
    assert (found.value, found.holds) == (3.0, False)


def test_lost_requests_and_cache_hits_spoil_a_comparison() -> None:
    spoiled = failing(played(ttft=0.9, lost=2, cached_prompt_tokens=32))
    assert spoiled == {"requests lost, all systems", "prompt tokens from cache"}


def test_ratios_are_paired_by_round_and_say_their_spread() -> None:
    rounds = played(ttft=1.5, rate=0.5)
    assert [one.median for one in ttft_ratios(rounds).values()] == pytest.approx([1.5] * 6)
    assert [one.high for one in rate_ratios(rounds).values()] == pytest.approx([0.5] * 6)
    assert by_name(rounds)["requests/s at 1, node / OpenAI server"].unit == "ratio (0.5 to 0.5)"


def test_absolute_times_are_medians_of_the_rounds() -> None:
    found = by_name(played(ttft=2.0))
    assert found["TTFT p50 at 16, engine in process"].value == pytest.approx(20)
    assert found["TTFT p50 at 16, node"].value == pytest.approx(40)
    assert found["requests/s at 64, OpenAI server"].value == pytest.approx(50)


def test_the_plots_show_both_ratios() -> None:
    shown = plots(played())
    assert len(shown) == 2
    assert all("OpenAI server" in svg for svg in shown.values())
