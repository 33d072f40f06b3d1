from dataclasses import replace
from xml.etree import ElementTree

import pytest

from bench.report.plots import (
    predicted_against_actual,
    schedule_delay,
    ttft_cdf,
    ttft_over_time,
)
from bench.sample import Sample, SampleOutcome


def answer(scheduled: float, pop: str = "fra", ttft: float = 0.1) -> Sample:
    return Sample(
        scheduled=scheduled, sent=scheduled + 0.001, first_token=scheduled + ttft, pop=pop
    )


def lost(scheduled: float, outcome: SampleOutcome = SampleOutcome.FAILED) -> Sample:
    return Sample(scheduled=scheduled, sent=scheduled, outcome=outcome)


def texts(svg: str) -> set[str]:
    return {"".join(node.itertext()) for node in ElementTree.fromstring(svg).iter("text")}


def paths(svg: str, colour: str) -> list[list[tuple[float, float]]]:
    """Return the points of each line drawn in a colour."""
    return [
        [
            (float(x), float(y))
            for _, x, y in zip(*[iter(node.get("d", "").split())] * 3, strict=True)
        ]
        for node in ElementTree.fromstring(svg).iter("path")
        if f"stroke: var(--{colour})" in node.get("style", "")
    ]


RUN = [answer(float(i), pop=("fra", "nyc")[i % 2], ttft=0.1 + 0.01 * i) for i in range(10)]


def test_the_cdf_names_its_series_and_the_slo() -> None:
    drawn = texts(ttft_cdf({"ours": RUN, "theirs": RUN}, slo=0.5))
    assert {"ours", "theirs", "SLO 500 ms", "100%"} <= drawn


def test_the_cdf_stays_below_the_top_by_the_share_that_was_lost() -> None:
    def rise(samples: list[Sample]) -> float:
        heights = [y for x, y in max(paths(ttft_cdf({"a": samples}, 0.5), "series-1"), key=len)]
        return max(heights) - min(heights)

    assert rise([*RUN, *map(lost, range(10))]) < 0.6 * rise(RUN)


def test_the_run_shows_each_pop_and_counts_what_was_lost() -> None:
    rejected = lost(3.0, SampleOutcome.REJECTED)
    drawn = texts(ttft_over_time([*RUN, lost(1.0), lost(2.0), rejected]))
    assert {"fra", "nyc", "failed, no TTFT (2)", "rejected, no TTFT (1)"} <= drawn


def test_a_whole_run_without_answers_still_shows_when_they_were_lost() -> None:
    drawn = texts(ttft_over_time([lost(float(i)) for i in range(61)]))
    assert {"0", "60", "failed, no TTFT (61)"} <= drawn


def test_predictions_are_shown_by_pop_where_they_came_true_or_not() -> None:
    foretold = [replace(one, predicted=0.1, actual=0.2) for one in RUN]
    drawn = texts(predicted_against_actual([*foretold, answer(0.0, pop="sin")]))
    assert {"fra", "nyc", "predicted", "actual"} <= drawn
    assert "sin" not in drawn


def test_the_delay_is_told_with_its_worst_percentile() -> None:
    assert "p99 1.0 ms" in texts(schedule_delay(RUN))


@pytest.mark.parametrize("samples", [[], [lost(0.0)], [answer(0.0)]])
def test_a_run_of_next_to_nothing_is_drawn_without_a_warning(samples: list[Sample]) -> None:
    for svg in (ttft_cdf({"a": samples}, 0.5), ttft_over_time(samples), schedule_delay(samples)):
        assert svg.startswith("<svg")
    assert predicted_against_actual(samples).startswith("<svg")
    assert ttft_cdf({}, 0.5).startswith("<svg")
