import json
import math
import statistics
from pathlib import Path

import pytest

from bench.arrivals import Arrival, gamma, poisson, replay
from nearfield.core.errors import InvalidRequest


def gaps(offsets: list[float]) -> list[float]:
    return [after - before for before, after in zip([0.0, *offsets], offsets, strict=False)]


def test_poisson_gaps_have_the_mean_and_spread_of_an_exponential() -> None:
    drawn = gaps(poisson(rate=20, duration=2000, seed=1))
    # 40 000 draws: the mean's standard error is 0.5 %.
    assert statistics.mean(drawn) == pytest.approx(1 / 20, rel=0.02)
    assert statistics.stdev(drawn) == pytest.approx(1 / 20, rel=0.03)


def test_poisson_counts_vary_as_much_as_their_mean() -> None:
    counts = [0] * 2000
    for offset in poisson(rate=10, duration=2000, seed=2):
        counts[int(offset)] += 1
    assert statistics.variance(counts) == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("burstiness", [0.25, 1.0, 4.0])
def test_gamma_keeps_the_rate_and_sets_the_spread(burstiness: float) -> None:
    drawn = gaps(gamma(rate=20, duration=4000, burstiness=burstiness, seed=3))
    assert statistics.mean(drawn) == pytest.approx(1 / 20, rel=0.03)
    variation = statistics.stdev(drawn) / statistics.mean(drawn)
    assert variation == pytest.approx(1 / math.sqrt(burstiness), rel=0.05)


def test_the_same_seed_draws_the_same_and_another_differs() -> None:
    assert poisson(5, 100, seed=1) == poisson(5, 100, seed=1)
    assert not set(poisson(5, 100, seed=1)) & set(poisson(5, 100, seed=2))


def test_arrivals_ascend_within_the_duration() -> None:
    drawn = poisson(50, 10, seed=4)
    assert drawn == sorted(drawn)
    assert drawn[0] > 0
    assert drawn[-1] < 10


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_number_not_above_zero_is_named(bad: float) -> None:
    with pytest.raises(InvalidRequest) as rate:
        poisson(bad, 10, seed=1)
    with pytest.raises(InvalidRequest) as duration:
        poisson(10, bad, seed=1)
    with pytest.raises(InvalidRequest) as burstiness:
        gamma(10, 10, bad, seed=1)
    fields = [caught.value.field for caught in (rate, duration, burstiness)]
    assert fields == ["rate", "duration", "burstiness"]
    assert rate.value.limit == "above 0"


def test_a_csv_trace_starts_at_zero_in_order_of_time(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("model,timestamp,input,output\na,102.5,30,8\nb,100,10,4\n")
    assert replay(trace) == [Arrival(0.0, 10, 4), Arrival(2.5, 30, 8)]


def test_a_jsonl_trace_reads_alike(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    rows = [
        {"timestamp": 7, "input": 10, "output": 4},
        {"timestamp": 7.25, "input": 3, "output": 1},
    ]
    trace.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    assert replay(trace) == [Arrival(0.0, 10, 4), Arrival(0.25, 3, 1)]


@pytest.mark.parametrize(
    "row", ["1,2", "x,2,3", "1,2.5,3", "1,,3", "nan,2,3", "inf,2,3", "1,0,3", "1,2,-1"]
)
def test_a_bad_row_is_named(tmp_path: Path, row: str) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(f"timestamp,input,output\n0,1,1\n{row}\n")
    with pytest.raises(InvalidRequest) as caught:
        replay(trace)
    assert caught.value.field == "row 2"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trace.txt", "anything"),
        ("empty.csv", "timestamp,input,output\n"),
        ("broken.jsonl", "{"),
        ("list.jsonl", "[1, 2, 3]"),
        ("missing.csv", None),
    ],
)
def test_a_file_that_is_no_trace_is_refused(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidRequest):
        replay(tmp_path / name)
