import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest

from bench.scenarios.policy.figures import Compared, central_wins, details, figures
from bench.scenarios.policy.outcome import outcome, write_results
from bench.scenarios.policy.plots import plots
from bench.scenarios.policy.runs import CENTRAL, CLAIRVOYANT, OURS, ROUND_ROBIN
from bench.scenarios.policy.simulation import Result
from tests.support.policy_builders import CITIES


def result(number: int = 0, ttft: float = 0.1, **changes: Any) -> Result:
    fields: dict[str, Any] = {
        "number": number,
        "at": float(number),
        "city": 0,
        "node": 1,
        "ttft": ttft,
        "round_trip": 0.02,
        "queue": 0.0,
        "prefill": 0.05,
        "predicted": math.nan,
        "actual": ttft,
        "prompt_tokens": 100,
        "cached_tokens": 0,
        "tpot": 0.02,
        "attempts": 1,
        "tier": "",
    }
    return Result(**{**fields, **changes})


def compared(name: str = "shared", **ttft: float) -> Compared:
    policies = {OURS: 0.1, CLAIRVOYANT: 0.1, ROUND_ROBIN: 0.1, CENTRAL: 0.3}
    policies.update({key.replace("_", " "): seconds for key, seconds in ttft.items()})
    results = {policy: [result(n, took) for n in range(4)] for policy, took in policies.items()}
    return Compared(name, results, [0.05] * 4)


def test_goodput_counts_the_refused_and_latencies_only_the_answered() -> None:
    rows = [result(0, 0.2), result(1, 0.6), result(2, math.nan), result(3, 0.4)]
    came = outcome(rows)
    assert came is not None
    assert (came.offered, came.rejected, came.goodput) == (4, 1, 0.5)
    assert came.mean == pytest.approx(0.4)
    assert came.prediction_error is None
    assert outcome([result(0, math.nan)]) is None


def test_spill_and_prediction_error_are_of_those_who_tell() -> None:
    rows = [
        result(0, 0.2, predicted=0.1, tier="pop"),
        result(1, 0.2, predicted=0.5, tier="neighbour", cached_tokens=50),
    ]
    came = outcome(rows)
    assert came is not None
    assert came.prediction_error == pytest.approx(0.2)
    assert came.spilled == {"neighbour": 0.5, "pop": 0.5}
    assert came.hit_rate == 0.25


@pytest.mark.parametrize(("ours", "holds"), [(0.11, True), (0.12, False)])
def test_ours_may_take_15_percent_longer_than_the_clairvoyant(ours: float, holds: bool) -> None:
    ratio = figures([compared(ours=ours)], 0.7)[0]
    assert "clairvoyant" in ratio.name
    assert ratio.holds is holds


def test_round_robin_is_to_take_twice_as_long_on_shared_prompts() -> None:
    named = {one.name: one for one in figures([compared(round_robin=0.25)], 0.7)}
    figure = named["shared: round robin over ours, mean TTFT"]
    assert figure.value == pytest.approx(2.5)
    assert figure.holds


def test_the_centre_wins_where_its_mean_is_shorter_and_says_so_of_long_prompts() -> None:
    edge = [result(0, 0.1), result(1, 0.5, city=1, prompt_tokens=4000)]
    centre = [result(0, 0.3), result(1, 0.2, city=1, prompt_tokens=4000)]
    wins = central_wins(Compared("shared", {OURS: edge, CENTRAL: centre}, [0.05, 0.05]))
    assert wins is not None
    assert wins.cities == {1: (0.5, 0.2)}
    assert (wins.requests, wins.long_prompts) == (0.5, 1.0)


def test_a_refusal_at_the_edge_is_a_win_of_the_centre_and_not_the_other_way() -> None:
    good, refused = [result(0, 0.1)], [result(0, math.nan)]
    lost = central_wins(Compared("shared", {OURS: refused, CENTRAL: good}, [0.1]))
    won = central_wins(Compared("shared", {OURS: good, CENTRAL: refused}, [0.1]))
    assert lost is not None
    assert won is not None
    assert (lost.requests, won.requests) == (1.0, 0.0)


def test_details_and_plots_tell_of_every_policy() -> None:
    one = compared()
    told = details([one])["shared"]
    assert isinstance(told, dict)
    assert set(told) == {*one.results, "lower bound"}
    json.dumps(told, allow_nan=False)
    drawn = plots([one], CITIES)
    assert all(svg.startswith("<svg") for svg in drawn.values())
    assert any("one central region" in svg for svg in drawn.values())


def test_raw_results_are_one_line_each_and_have_no_nan(tmp_path: Path) -> None:
    path = write_results(tmp_path, {("shared", OURS): [result(0), result(1, math.nan)]})
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert [row["ttft"] for row in rows] == [0.1, None]
    assert {row["policy"] for row in rows} == {OURS}
