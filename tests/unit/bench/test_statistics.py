import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.sample import Sample, SampleOutcome
from bench.statistics import (
    Percentiles,
    Ratio,
    Slo,
    paired_ratio,
    percentile,
    percentiles,
    summarize,
)
from nearfield.core.errors import InvalidRequest


def answer(scheduled: float, ttft: float = 0.1, tpot: float = 0.01, tokens: int = 11) -> Sample:
    first = scheduled + ttft
    return Sample(
        scheduled=scheduled,
        sent=scheduled,
        first_token=first,
        finished=first + tpot * (tokens - 1),
        completion_tokens=tokens,
    )


def lost(scheduled: float, outcome: SampleOutcome) -> Sample:
    return Sample(scheduled=scheduled, sent=scheduled, outcome=outcome)


@given(
    st.lists(st.floats(min_value=-1e9, max_value=1e9), min_size=1, max_size=50),
    st.floats(min_value=0, max_value=100),
)
def test_percentiles_agree_with_numpy(values: list[float], percent: float) -> None:
    expected = float(np.percentile(values, percent))
    assert percentile(values, percent) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], -1), ([1.0], 101)])
def test_a_percentile_of_nothing_or_out_of_range_is_refused(
    values: list[float], percent: float
) -> None:
    with pytest.raises(InvalidRequest):
        percentile(values, percent)


def test_percentiles_skip_what_is_unknown() -> None:
    assert percentiles([None, 3.0, None]) == Percentiles(3.0, 3.0, 3.0)
    assert percentiles([None]) is None


def test_goodput_is_taken_over_offered_and_over_successful() -> None:
    samples = [
        answer(0.0),
        answer(1.0, ttft=0.9),
        answer(2.0, tpot=0.05),
        lost(3.0, SampleOutcome.REJECTED),
        lost(4.0, SampleOutcome.FAILED),
    ]
    summary = summarize(samples)
    assert (summary.offered, summary.ok, summary.good) == (5, 3, 1)
    assert (summary.rejected, summary.failed) == (1, 1)
    assert summary.goodput_over_offered == pytest.approx(1 / 5)
    assert summary.goodput_over_successful == pytest.approx(1 / 3)


def test_a_request_at_the_limit_is_good_and_one_beyond_is_not() -> None:
    slo = Slo(ttft=0.5, tpot=0.25)
    at_limit = Sample(first_token=0.5, finished=0.75, completion_tokens=2)
    assert slo.met_by(at_limit)
    assert not Slo(ttft=0.49, tpot=0.25).met_by(at_limit)
    assert not Slo(ttft=0.5, tpot=0.24).met_by(at_limit)


def test_one_token_in_time_is_good_and_no_token_is_not() -> None:
    assert Slo().met_by(Sample(first_token=0.1, finished=0.1, completion_tokens=1))
    assert not Slo().met_by(Sample(finished=0.1))


def test_a_failed_request_is_never_good_however_quick_its_first_token() -> None:
    assert not Slo().met_by(Sample(first_token=0.01, outcome=SampleOutcome.FAILED))


def test_warm_up_is_left_out_and_counted_apart() -> None:
    samples = [answer(0.0, ttft=9.0), answer(4.9, ttft=9.0), answer(5.0), answer(6.0)]
    summary = summarize(samples, warm_up=5.0)
    assert (summary.warm_up, summary.offered) == (2, 2)
    assert summary.ttft is not None
    assert summary.ttft.p99 == pytest.approx(0.1)


def test_latencies_leave_out_what_failed() -> None:
    broken = Sample(first_token=7.0, finished=8.0, outcome=SampleOutcome.FAILED)
    summary = summarize([answer(0.0), broken])
    assert summary.ttft == percentiles([answer(0.0).ttft])


def test_a_generator_that_falls_behind_shows_in_the_achieved_rate() -> None:
    samples = [Sample(scheduled=i * 0.1, sent=i * 0.2) for i in range(11)]
    summary = summarize(samples)
    assert summary.requested_rate == pytest.approx(10)
    assert summary.achieved_rate == pytest.approx(5)
    assert summary.schedule_delay is not None
    assert summary.schedule_delay.p50 == pytest.approx(0.5)


def test_tokens_a_second_run_from_first_sending_to_last_end() -> None:
    samples = [answer(0.0, ttft=1.0, tpot=0.1, tokens=11), answer(8.0, ttft=1.0, tpot=0.1)]
    assert summarize(samples).output_tokens_per_second == pytest.approx(22 / 10)


def test_the_cached_share_is_over_all_prompt_tokens() -> None:
    samples = [
        Sample(prompt_tokens=100, cached_prompt_tokens=50),
        Sample(prompt_tokens=300, cached_prompt_tokens=0),
    ]
    assert summarize(samples).cached_prompt_share == pytest.approx(1 / 8)


def test_a_run_of_nothing_has_no_latencies_and_no_goodput() -> None:
    summary = summarize([])
    assert (summary.offered, summary.requested_rate, summary.goodput_over_offered) == (0, 0, 0)
    assert summary.ttft is summary.schedule_delay is None


def test_pairing_takes_out_what_both_sides_share() -> None:
    slow_spells = [1.0, 5.0, 1.0, 9.0, 2.0]
    ratio = paired_ratio([1.2 * spell for spell in slow_spells], slow_spells)
    assert [ratio.low, ratio.median, ratio.high] == pytest.approx([1.2, 1.2, 1.2])


def test_the_spread_covers_the_middle_of_the_rounds() -> None:
    ratio = paired_ratio([float(i) for i in range(1, 12)], [1.0] * 11)
    assert ratio == Ratio(median=6.0, low=2.0, high=10.0)


@pytest.mark.parametrize(
    ("a", "b"), [([], []), ([1.0], [1.0, 2.0]), ([1.0], [0.0]), ([1.0, 1.0], [1.0, -1.0])]
)
def test_rounds_that_do_not_pair_are_refused(a: list[float], b: list[float]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        paired_ratio(a, b)
    assert caught.value.field == "rounds"
