"""The comparison in figures: ratios of rounds that ran side by side, each with its target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.report.bars import ratio_bars
from bench.report.figures import Figure
from bench.scenarios.overhead.rounds import LEVELS, Played
from bench.scenarios.overhead.systems import ENGINE, NODE, OPENAI, SYSTEMS
from bench.scenarios.results import at_least, at_most, below
from bench.statistics import Ratio, paired_ratio, percentile

IDLE_PERCENT_MOST = 2.0
NAMES = {ENGINE: "engine in process", NODE: "node", OPENAI: "OpenAI server"}
Judge = Callable[[str, float, str, float], Figure]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The node over another system at one level; without a judge there is no target."""

    other: str
    level: int
    judge: Judge | None = None
    limit: float = 0.0


TTFT = (
    Comparison(ENGINE, 1, at_most, 1.25),
    Comparison(ENGINE, 16),
    Comparison(ENGINE, 64),
    Comparison(OPENAI, 1, at_most, 1.0),
    Comparison(OPENAI, 16, below, 1.0),
    Comparison(OPENAI, 64, below, 1.0),
)
RATE = (
    Comparison(ENGINE, 1),
    Comparison(ENGINE, 16, at_least, 0.92),
    Comparison(ENGINE, 64, at_least, 0.92),
    Comparison(OPENAI, 1),
    Comparison(OPENAI, 16),
    Comparison(OPENAI, 64),
)


def ttft_ratios(played: Played) -> dict[str, Ratio]:
    """Return how much longer the node's median TTFT is."""
    return {
        _name("TTFT p50", one): paired_ratio(
            played.ttfts(NODE, one.level), played.ttfts(one.other, one.level)
        )
        for one in TTFT
    }


def rate_ratios(played: Played) -> dict[str, Ratio]:
    """Return how many more requests a second the node answers."""
    return {
        _name("requests/s", one): paired_ratio(
            played.rates(NODE, one.level), played.rates(one.other, one.level)
        )
        for one in RATE
    }


def figures(played: Played, idle: float) -> list[Figure]:
    """Return all figures; `idle` is the node agent's share of a core."""
    return [
        *_judged(TTFT, ttft_ratios(played)),
        *_judged(RATE, rate_ratios(played)),
        at_most("node agent, idle CPU", 100 * idle, "% of a core", IDLE_PERCENT_MOST),
        at_most("requests lost, all systems", played.lost, f"of {played.sent}", 0),
        # Prompts are unique: a hit would mean that some answers cost less than others.
        at_most("prompt tokens from cache", played.cached_prompt_tokens, "tokens", 0),
        *_absolute(played),
    ]


def plots(played: Played) -> Mapping[str, str]:
    """Return the page's plots by caption."""
    return {
        "Median time to first token, node over each; lower is better": ratio_bars(
            ttft_ratios(played), 1.0
        ),
        "Requests a second, node over each; higher is better": ratio_bars(rate_ratios(played), 1.0),
    }


def _judged(comparisons: Sequence[Comparison], ratios: Mapping[str, Ratio]) -> list[Figure]:
    found = []
    for one, (name, ratio) in zip(comparisons, ratios.items(), strict=True):
        unit = f"ratio ({ratio.low:.3g} to {ratio.high:.3g})"
        if one.judge is None:
            found.append(Figure(name, ratio.median, unit))
        else:
            found.append(one.judge(name, ratio.median, unit, one.limit))
    return found


def _name(what: str, one: Comparison) -> str:
    return f"{what} at {one.level}, node / {NAMES[one.other]}"


def _absolute(played: Played) -> list[Figure]:
    found = []
    for level in LEVELS:
        for system in SYSTEMS:
            where = f"at {level}, {NAMES[system]}"
            ttft, rate = (
                percentile(values, 50)
                for values in (played.ttfts(system, level), played.rates(system, level))
            )
            found += [
                Figure(f"TTFT p50 {where}", 1000 * ttft, "ms"),
                Figure(f"requests/s {where}", rate, "1/s"),
            ]
    return found
