import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.geo import Position, expected_round_trip
from nearfield.core.node import NodeLoad
from nearfield.core.prediction import (
    NO_PROMPT,
    Prompt,
    RoundTrip,
    RoundTripSource,
    predict,
    prefill,
    prefill_rate,
    queue_wait,
    round_trip,
    seconds_per_byte,
)
from tests.support.records import FRANKFURT

PARIS = Position(48.86, 2.35)
OWN = RoundTrip(0.03, RoundTripSource.MEASURED, 0.004)
LEARNED = RoundTrip(0.05, RoundTripSource.NETWORK, 0.01)
LOAD = NodeLoad(
    running=1,
    slots=1,
    prefill_tokens_per_second=1000.0,
    base_seconds=0.02,
    bytes_per_token=5.0,
    service_seconds=0.5,
)
rates = st.floats(0, 1e5).filter(lambda rate: rate == 0 or rate > 1)
loads = st.builds(
    NodeLoad,
    running=st.integers(0, 64),
    waiting=st.integers(0, 64),
    waiting_prompt_tokens=st.integers(0, 10**6),
    slots=st.integers(0, 64),
    prefill_tokens_per_second=rates,
    base_seconds=st.floats(0, 2),
    bytes_per_token=st.floats(0, 10).filter(lambda rate: rate == 0 or rate > 0.1),
    service_seconds=st.floats(0, 60),
    ramp=st.floats(0.01, 1),
)


def test_an_own_measurement_beats_all_else() -> None:
    assert round_trip(PARIS, FRANKFURT, OWN, LEARNED) is OWN


def test_a_measurement_of_nothing_still_counts() -> None:
    nothing = RoundTrip(0.0, RoundTripSource.MEASURED)
    assert round_trip(PARIS, FRANKFURT, nothing, LEARNED) is nothing


def test_what_others_of_the_network_measured_beats_geography() -> None:
    assert round_trip(PARIS, FRANKFURT, None, LEARNED) is LEARNED
    assert round_trip(None, FRANKFURT, None, LEARNED) is LEARNED


def test_geography_answers_where_nothing_was_measured_give_or_take_a_quarter() -> None:
    seconds = expected_round_trip(PARIS, FRANKFURT)
    expected = RoundTrip(seconds, RoundTripSource.GEOGRAPHY, seconds / 4)
    assert round_trip(PARIS, FRANKFURT) == expected


def test_from_nowhere_all_nodes_are_equally_far_and_wholly_uncertain() -> None:
    here, there = round_trip(None, FRANKFURT), round_trip(None, PARIS)
    assert here == there == RoundTrip(0.1, RoundTripSource.UNKNOWN, 0.1)


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
    # With 2 s of service a slot of 4 comes free each 0.5 s; the second to come is awaited.
    load = NodeLoad(running=4, waiting=1, slots=4, service_seconds=2.0)
    assert queue_wait(load) == pytest.approx(1.0)


def test_a_node_that_never_answered_holds_a_slot_for_a_second() -> None:
    assert queue_wait(NodeLoad(running=1, slots=1)) == pytest.approx(1.0)


def test_a_report_without_slots_counts_as_one_of_a_single_slot() -> None:
    assert queue_wait(NodeLoad(running=2, slots=0)) == queue_wait(NodeLoad(running=2, slots=1)) > 0


def test_prefills_and_slots_are_both_waited_for() -> None:
    load = NodeLoad(1, 1, 300, 1, prefill_tokens_per_second=1000.0, service_seconds=0.5)
    assert queue_wait(load) == pytest.approx(0.3 + 2 * 0.5)


def test_each_request_routed_since_costs_its_base_and_takes_a_slot() -> None:
    load = NodeLoad(running=2, slots=4, base_seconds=0.02, service_seconds=2.0)
    assert queue_wait(load, routed=1) == pytest.approx(0.02)
    assert queue_wait(load, routed=3) == pytest.approx(3 * 0.02 + 2 * 2.0 / 4)


def test_a_starting_node_has_a_share_of_its_slots_and_never_less_than_one() -> None:
    load = NodeLoad(running=2, slots=8, service_seconds=2.0)
    assert queue_wait(dataclasses.replace(load, ramp=0.5)) == 0.0
    assert queue_wait(dataclasses.replace(load, ramp=0.25)) == pytest.approx(1 * 2.0 / 2)
    assert queue_wait(dataclasses.replace(load, ramp=0.01)) == pytest.approx(2 * 2.0 / 1)


@given(loads, st.sampled_from(["running", "waiting", "waiting_prompt_tokens"]))
def test_more_load_never_shortens_the_wait(load: NodeLoad, what: str) -> None:
    more = dataclasses.replace(load, **{what: getattr(load, what) + 1})
    assert queue_wait(more) >= queue_wait(load) >= 0


@given(loads, st.floats(0, 100), st.floats(0, 100))
def test_work_routed_there_never_shortens_the_wait(
    load: NodeLoad, routed: float, more: float
) -> None:
    assert queue_wait(load, routed + more) >= queue_wait(load, routed) >= 0


@given(loads)
def test_another_slot_never_lengthens_the_wait(load: NodeLoad) -> None:
    more = dataclasses.replace(load, slots=load.slots + 1)
    assert queue_wait(more) <= queue_wait(load) + 1e-9


@given(loads, st.floats(0.01, 1))
def test_a_node_further_up_its_ramp_makes_nobody_wait_longer(load: NodeLoad, ramp: float) -> None:
    higher = dataclasses.replace(load, ramp=max(load.ramp, ramp))
    assert queue_wait(higher) <= queue_wait(load) + 1e-9


def test_a_prompts_bytes_are_tokens_of_the_nodes_own_making() -> None:
    assert prefill(LOAD, Prompt(5000)) == pytest.approx(1.0)
    assert prefill(NodeLoad(), Prompt(8000)) == pytest.approx(8000 / 4 / 2000)
    assert prefill_rate(NodeLoad()) == 2000.0


def test_resident_tokens_need_no_prefill() -> None:
    assert prefill(LOAD, Prompt(5000, resident_tokens=900)) == pytest.approx(0.1)
    assert prefill(LOAD, Prompt(5000, resident_tokens=1000)) == 0.0
    assert prefill(LOAD, Prompt(5000, resident_tokens=9999)) == 0.0


@given(loads, st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_resident_tokens_never_lengthen_the_prefill(
    load: NodeLoad, size: int, resident: int, more: int
) -> None:
    assert (
        0 <= prefill(load, Prompt(size, resident + more)) <= prefill(load, Prompt(size, resident))
    )


@given(loads, st.integers(0, 10**7))
def test_the_seconds_of_each_byte_make_the_prefill_of_all(load: NodeLoad, size: int) -> None:
    assert seconds_per_byte(load) * size == pytest.approx(prefill(load, Prompt(size)))


def test_the_prediction_is_the_sum_of_its_terms() -> None:
    prediction = predict(OWN, LOAD, Prompt(5000, resident_tokens=900))
    assert prediction.round_trip is OWN
    assert (prediction.queue, prediction.base) == (0.5, 0.02)
    assert (prediction.prefill, prediction.connect) == (pytest.approx(0.1), 0.0)
    assert prediction.ttft == pytest.approx(0.03 + 0.5 + 0.02 + 0.1)
    assert prediction.rank == prediction.ttft


def test_of_no_prompt_no_prefill_is_predicted() -> None:
    assert predict(OWN, LOAD).prefill == predict(OWN, LOAD, NO_PROMPT).prefill == 0.0


def test_what_was_routed_there_makes_the_queue_longer() -> None:
    assert predict(OWN, LOAD, routed=2).queue == pytest.approx(0.5 + 2 * (0.02 + 0.5))


def test_three_round_trips_of_handshakes_are_for_a_cold_connection_alone() -> None:
    cold = predict(OWN, LOAD, warm=False)
    assert cold.connect == pytest.approx(0.09)
    assert cold.ttft == pytest.approx(predict(OWN, LOAD, warm=True).ttft + 0.09)


def test_a_penalty_counts_for_the_rank_and_takes_no_time() -> None:
    plain, disliked = predict(OWN, LOAD), predict(OWN, LOAD, penalty=0.25)
    assert disliked.ttft == plain.ttft
    assert disliked.rank == pytest.approx(plain.rank + 0.25)


def test_of_a_fresh_report_only_the_path_is_uncertain() -> None:
    assert predict(OWN, LOAD).spread == pytest.approx(OWN.spread)


def test_a_nodes_share_may_be_off_by_a_tenth_for_each_second_of_age() -> None:
    # Of the node: 0.5 s of queue, 0.02 s of base and 0.1 s of prefill.
    prompt = Prompt(500)
    assert predict(OWN, LOAD, prompt, age=2.0).spread == pytest.approx(
        math.hypot(0.004, 0.2 * 0.62)
    )
    assert predict(OWN, LOAD, prompt, age=99.0).spread == pytest.approx(math.hypot(0.004, 0.62))


@given(loads, st.floats(0, 100), st.floats(0, 100))
def test_age_never_makes_a_prediction_surer_and_moves_it_nowhere(
    load: NodeLoad, age: float, more: float
) -> None:
    young, old = predict(OWN, load, age=age), predict(OWN, load, age=age + more)
    assert old.spread >= young.spread >= OWN.spread
    assert old.ttft == young.ttft


def test_a_queue_is_as_long_as_its_load_says_or_as_the_node_has_said() -> None:
    load = NodeLoad(running=8, slots=8, service_seconds=8.0)
    trip = RoundTrip(0.1, RoundTripSource.MEASURED)
    assert predict(trip, load, wait_least=0.5).queue == 1.0
    assert predict(trip, load, wait_least=3.0).queue == 3.0


def test_a_wait_that_was_seen_a_while_ago_has_shortened() -> None:
    full = NodeLoad(slots=2, running=2, service_seconds=4.0)
    seen = predict(RoundTrip(0.0, RoundTripSource.MEASURED), full).queue
    later = predict(RoundTrip(0.0, RoundTripSource.MEASURED), full, unheard=4.0).queue
    assert seen == queue_wait(full)
    assert later == pytest.approx(seen / math.e)


def test_a_wait_that_is_known_for_sure_does_not_shorten() -> None:
    full = NodeLoad(slots=2, running=2, service_seconds=4.0)
    trip = RoundTrip(0.0, RoundTripSource.MEASURED)
    assert predict(trip, full, wait_least=3.0, unheard=100.0).queue == 3.0
