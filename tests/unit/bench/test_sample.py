from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.sample import (
    UNKNOWN_POP,
    Sample,
    SampleOutcome,
    Split,
    answered,
    by_pop,
    read_samples,
    write_samples,
)
from nearfield.core.errors import InvalidRequest

seconds = st.floats(min_value=0, max_value=1e6)
counts = st.integers(min_value=0, max_value=10**6)
samples = st.builds(
    Sample,
    index=counts,
    scheduled=seconds,
    sent=seconds,
    first_token=st.none() | seconds,
    finished=st.none() | seconds,
    completion_tokens=counts,
    prompt_tokens=counts,
    cached_prompt_tokens=counts,
    outcome=st.sampled_from(SampleOutcome),
    error=st.text(),
    node=st.text(),
    pop=st.text(),
    split=st.builds(Split, seconds, seconds, seconds, seconds),
    chunk_gaps=st.lists(seconds, max_size=5).map(tuple),
    predicted=st.none() | seconds,
    actual=st.none() | seconds,
)


@pytest.mark.parametrize(
    ("predicted", "actual", "error"),
    [(0.2, 0.5, 0.3), (0.5, 0.2, 0.3), (0.0, 0.2, 0.2), (None, 0.2, None), (0.2, None, None)],
)
def test_a_prediction_is_off_either_way_where_both_sides_are_known(
    predicted: float | None, actual: float | None, error: float | None
) -> None:
    one = Sample(predicted=predicted, actual=actual)
    assert one.prediction_error == (error if error is None else pytest.approx(error))


def test_ttft_counts_from_the_meant_moment_not_from_the_sending() -> None:
    late = Sample(scheduled=1.0, sent=1.4, first_token=1.5)
    assert late.ttft == pytest.approx(0.5)
    assert late.schedule_delay == pytest.approx(0.4)


def test_tpot_shares_what_follows_the_first_token() -> None:
    one = Sample(scheduled=1.0, sent=1.1, first_token=1.5, finished=3.5, completion_tokens=5)
    assert one.e2e == pytest.approx(2.5)
    assert one.tpot == pytest.approx(0.5)


@pytest.mark.parametrize(
    "sample",
    [
        Sample(first_token=1.0, finished=1.0, completion_tokens=1),
        Sample(first_token=1.0, completion_tokens=9),
        Sample(finished=1.0, completion_tokens=9),
    ],
)
def test_tpot_is_unknown_without_two_tokens_and_both_ends(sample: Sample) -> None:
    assert sample.tpot is None


def test_a_request_without_a_token_has_no_ttft_and_no_e2e() -> None:
    assert (Sample().ttft, Sample().e2e) == (None, None)


def test_only_good_ends_with_a_token_count_as_answered() -> None:
    whole = Sample(first_token=1.0)
    broken = Sample(first_token=1.0, outcome=SampleOutcome.FAILED)
    assert answered([whole, broken, Sample()]) == [whole]


def test_pops_come_in_alphabetical_order_and_a_nameless_one_is_named() -> None:
    groups = by_pop([Sample(pop="sin"), Sample(pop="fra", index=1), Sample(), Sample(pop="fra")])
    assert list(groups) == [UNKNOWN_POP, "fra", "sin"]
    assert [one.index for one in groups["fra"]] == [1, 0]


@given(st.lists(samples, max_size=4))
def test_samples_survive_the_way_to_disk_and_back(written: list[Sample]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "samples.jsonl"
        write_samples(path, written)
        assert read_samples(path) == written


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"split": {}, "outcome": "lost"}'])
def test_a_line_that_is_no_sample_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "samples.jsonl"
    write_samples(path, [Sample()])
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InvalidRequest, match="line 2"):
        read_samples(path)
