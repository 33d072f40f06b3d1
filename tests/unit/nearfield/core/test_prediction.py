import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.geo import Position, expected_round_trip
from nearfield.core.node import NodeLoad
from nearfield.core.prediction import RoundTrip, RoundTripSource, predict, queue_wait, round_trip
from tests.support.records import FRANKFURT

PARIS = Position(48.86, 2.35)
TRIP = RoundTrip(0.03, RoundTripSource.MEASURED)
loads = st.builds(
    NodeLoad,
    running=st.integers(0, 64),
    waiting=st.integers(0, 64),
    waiting_prompt_tokens=st.integers(0, 10**6),
    slots=st.integers(0, 64),
    prefill_tokens_per_second=st.floats(0, 1e5).filter(lambda rate: rate == 0 or rate > 1),
    decode_tokens_per_second=st.floats(0, 1e4).filter(lambda rate: rate == 0 or rate > 1),
)


def test_a_measurement_beats_geography() -> None:
    assert round_trip(PARIS, FRANKFURT, 0.5) == RoundTrip(0.5, RoundTripSource.MEASURED)


def test_a_measurement_of_nothing_still_counts() -> None:
    assert round_trip(PARIS, FRANKFURT, 0.0) == RoundTrip(0.0, RoundTripSource.MEASURED)


def test_geography_answers_where_nothing_was_measured() -> None:
    expected = RoundTrip(expected_round_trip(PARIS, FRANKFURT), RoundTripSource.GEOGRAPHY)
    assert round_trip(PARIS, FRANKFURT, None) == expected


def test_from_nowhere_all_nodes_are_equally_far() -> None:
    here, there = round_trip(None, FRANKFURT, None), round_trip(None, PARIS, None)
    assert here == there == RoundTrip(0.1, RoundTripSource.UNKNOWN)


def test_an_idle_node_makes_nobody_wait() -> None:
    assert queue_wait(NodeLoad(running=0, slots=8)) == 0.0


def test_a_node_with_one_slot_left_makes_nobody_wait() -> None:
    assert queue_wait(NodeLoad(running=7, slots=8)) == 0.0


def test_prefills_ahead_are_waited_for_at_the_learned_rate() -> None:
    load = NodeLoad(slots=8, waiting_prompt_tokens=1000, prefill_tokens_per_second=4000)
    assert queue_wait(load) == pytest.approx(0.25)


def test_a_node_that_never_prefilled_is_taken_for_a_slow_one() -> None:
    assert queue_wait(NodeLoad(slots=8, waiting_prompt_tokens=1000)) == pytest.approx(0.5)


def test_slots_come_free_one_service_time_apart_from_each_other() -> None:
    # 64 tokens at 32 a second are 2 s of service; the second to come of 4 slots is awaited.
    load = NodeLoad(running=4, waiting=1, slots=4, decode_tokens_per_second=32)
    assert queue_wait(load) == pytest.approx(2 * 2.0 / 4)


def test_a_node_that_never_answered_holds_a_slot_for_a_second() -> None:
    assert queue_wait(NodeLoad(running=1, slots=1)) == pytest.approx(1.0)


def test_a_report_without_slots_does_not_divide_by_them() -> None:
    assert queue_wait(NodeLoad(running=2, slots=0)) == pytest.approx(3.0)


@given(loads, st.sampled_from(["running", "waiting", "waiting_prompt_tokens"]))
def test_more_load_never_shortens_the_wait(load: NodeLoad, what: str) -> None:
    more = dataclasses.replace(load, **{what: getattr(load, what) + 1})
    assert queue_wait(more) >= queue_wait(load) >= 0


@given(loads)
def test_another_slot_never_lengthens_the_wait(load: NodeLoad) -> None:
    assert queue_wait(dataclasses.replace(load, slots=load.slots + 1)) <= queue_wait(load)


def test_the_prediction_is_the_sum_of_its_terms() -> None:
    load = NodeLoad(running=1, slots=1, base_seconds=0.02)
    prediction = predict(TRIP, load)
    assert (prediction.round_trip, prediction.queue, prediction.base) == (TRIP, 1.0, 0.02)
    assert prediction.ttft == pytest.approx(1.05)
