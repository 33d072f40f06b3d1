import json
from pathlib import Path
from typing import Any

import pytest

from bench.sample import SampleOutcome, Split
from bench.scenarios.policy.real.cast import OURS
from bench.scenarios.policy.real.choosers import NEAREST, Site
from bench.scenarios.policy.real.command import write_rows
from bench.scenarios.policy.real.figures import LOWER_BOUND, figures, lower_bounds
from bench.scenarios.policy.real.foretold import Foretold
from bench.scenarios.policy.real.plays import Row
from bench.scenarios.policy.real.plots import plots
from bench.scenarios.policy.real.run import LEARNING
from bench.scenarios.policy.real.scenes import SHARED
from nearfield.core.errors import InternalError
from nearfield.core.geo import Position, expected_round_trip
from tests.support.bench_builders import sample

MADRID = Position(40.42, -3.70)
SITES = (Site("fra1-1", "127.0.0.1:1", "fra1", Position(50.11, 8.68)),)


def known(predicted: float = 0.09, actual: float = 0.1) -> Foretold:
    return Foretold(
        *(0.0, 0.05, 0.0, 0.01, 0.03),
        predicted=predicted,
        actual=actual,
        admission=0.05,
        waited=0.0,
        computed=0.03,
        node=0.05,
        prompt_tokens=300,
        cached_tokens=0,
        source="measured",
        attempts=1,
    )


def row(policy: str = OURS, ttft: float = 0.1, number: int = 0, **changes: Any) -> Row:
    made = sample(0, ttft, split=Split(prefill=changes.pop("prefill", 0.01)))
    fields: dict[str, Any] = {
        "scene": SHARED,
        "place": 0,
        "sample": changes.pop("sample", made),
        "foretold": known() if policy == OURS else None,
    }
    return Row(policy=policy, round=number, **{**fields, **changes})


def by_name(rows: list[Row]) -> dict[str, Any]:
    return {one.name: one for one in figures(rows, lower_bounds(rows, SITES), busy=0.5)}


def test_a_rival_that_takes_twice_as_long_has_a_ratio_of_two() -> None:
    rows = [row(), row(number=1, ttft=0.3), row(NEAREST, 0.2), row(NEAREST, 0.9, number=1)]
    found = by_name(rows)
    assert found[f"{SHARED}: {NEAREST} over ours"].value == pytest.approx(2.5)
    assert found[f"{SHARED}: {NEAREST} over ours, least round"].value == pytest.approx(2.1)
    assert found[f"TTFT mean, {SHARED}, {NEAREST}"].value == pytest.approx(550)


def test_the_lower_bound_is_the_shortest_path_and_the_least_prefill_of_any_policy() -> None:
    rows = [row(prefill=0.04), row(NEAREST, prefill=0.015)]
    bound = expected_round_trip(MADRID, SITES[0].position) + 0.015
    assert lower_bounds(rows, SITES) == {(LOWER_BOUND, SHARED): [pytest.approx(bound)]}
    found = by_name(rows)
    assert found[f"{SHARED}: ours over {LOWER_BOUND}"].value == pytest.approx(0.1 / bound)


@pytest.mark.parametrize(("predicted", "holds"), [(0.081, True), (0.079, False)])
def test_predictions_hold_up_to_a_fifth_off(predicted: float, holds: bool) -> None:
    found = by_name([row(foretold=known(predicted)), row(NEAREST)])
    error = found["prediction, median absolute error"]
    assert error.value == pytest.approx(100 * (0.1 - predicted) / 0.1)
    assert error.holds is holds


def test_what_was_asked_for_learning_does_not_count() -> None:
    taught = row(scene=LEARNING, number=-1, ttft=9.0, foretold=known(predicted=5.0))
    found = by_name([taught, row(), row(NEAREST)])
    assert found["predictions that count"].value == 1
    assert found["requests that count"].value == 2
    assert found["processor busy"].value == 50
    assert found["prediction, median absolute error"].value == pytest.approx(10)


def test_requests_without_an_answer_are_counted() -> None:
    lost = sample(1, first_token=None, outcome=SampleOutcome.REJECTED, error="Overloaded: full")
    found = by_name([row(), row(sample=lost, foretold=None), row(NEAREST)])
    assert (found["not answered, ours"].value, found["not answered, ours"].holds) == (1, False)
    assert found["not answered, others"].value == 0


def test_a_run_without_an_answer_says_why() -> None:
    lost = sample(0, first_token=None, outcome=SampleOutcome.FAILED, error="Unreachable: gone")
    with pytest.raises(InternalError, match="Unreachable: gone"):
        by_name([row(sample=lost, foretold=None)])


def test_the_page_shows_predictions_and_ratios() -> None:
    rows = [row(), row(NEAREST, 0.2)]
    drawn = list(plots(rows, {(OURS, SHARED): [0.1], (NEAREST, SHARED): [0.2]}).values())
    assert len(drawn) == 2
    assert "predicted" in drawn[0]
    assert NEAREST in drawn[1]


def test_rows_are_lines_of_json(tmp_path: Path) -> None:
    write_rows(tmp_path / "samples.jsonl", [row(), row(NEAREST)])
    ours, theirs = map(json.loads, (tmp_path / "samples.jsonl").read_text().splitlines())
    assert (ours["policy"], ours["foretold"]["predicted"], theirs["foretold"]) == (OURS, 0.09, None)
