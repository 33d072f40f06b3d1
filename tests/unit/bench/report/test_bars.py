from xml.etree import ElementTree

import pytest

from bench.report.bars import REST, mean_split, ratio_bars, ttft_split
from bench.sample import Sample, SampleOutcome, Split
from bench.statistics import Ratio


def answer(pop: str, ttft: float, split: Split) -> Sample:
    return Sample(scheduled=1.0, first_token=1.0 + ttft, pop=pop, split=split)


def texts(svg: str) -> set[str]:
    return {"".join(node.itertext()) for node in ElementTree.fromstring(svg).iter("text")}


def test_the_parts_of_a_split_add_up_to_the_mean_ttft() -> None:
    samples = [
        answer("fra", 0.1, Split(route=0.01, round_trip=0.02, queue=0.03, prefill=0.02)),
        answer("fra", 0.3, Split(route=0.01, round_trip=0.04, queue=0.05, prefill=0.1)),
    ]
    parts = mean_split(samples)
    assert sum(parts.values()) == pytest.approx(0.2)
    assert parts["queue"] == pytest.approx(0.04)
    assert parts[REST] == pytest.approx(0.06)


def test_a_split_that_claims_more_than_the_ttft_leaves_no_negative_rest() -> None:
    assert mean_split([answer("fra", 0.1, Split(queue=0.2))])[REST] == 0


def test_the_split_has_a_bar_for_each_pop_with_its_sum() -> None:
    samples = [answer("fra", 0.068, Split(queue=0.01)), answer("sin", 0.226, Split(queue=0.01))]
    lost = Sample(first_token=9.0, pop="nyc", outcome=SampleOutcome.FAILED)
    drawn = texts(ttft_split([*samples, lost]))
    assert {"fra", "68 ms", "sin", "226 ms", "route", "round trip", REST} <= drawn
    assert "nyc" not in drawn


def test_ratios_are_written_with_their_spread_and_target() -> None:
    ratios = {"ours": Ratio(1.04, 0.97, 1.12), "theirs": Ratio(3.1, 2.9, 3.3)}
    drawn = texts(ratio_bars(ratios, target=1.1))
    assert {"ours", "1.04  (0.97 to 1.12)", "3.1  (2.9 to 3.3)", "target 1.1"} <= drawn


def test_bars_of_nothing_are_drawn_without_a_warning() -> None:
    for svg in (ttft_split([]), ratio_bars({}), ratio_bars({}, target=1.0)):
        assert svg.startswith("<svg")
