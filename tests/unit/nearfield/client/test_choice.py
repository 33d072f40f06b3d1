import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.client.choice import order
from nearfield.core.geo import Position, expected_round_trip
from nearfield.core.node import NodeLoad
from nearfield.core.prediction import RoundTripSource
from nearfield.core.route import Candidate
from tests.support.nearfield_builders import candidate
from tests.support.nearfield_strategies import candidates
from tests.support.records import FRANKFURT

PARIS = Position(48.86, 2.35)
ASHBURN = Position(39.04, -77.49)
NEAR = candidate("near", position=FRANKFURT)
FAR = candidate("far", position=ASHBURN)


def names(ordered: list[Candidate]) -> list[str]:
    return [one.node for one in ordered]


def test_the_nearest_comes_first_before_anything_is_measured() -> None:
    assert names(order([FAR, NEAR], PARIS, {})) == ["near", "far"]


def test_a_measurement_beats_geography() -> None:
    ordered = order([FAR, NEAR], PARIS, {"near": 0.5, "far": 0.001})
    assert names(ordered) == ["far", "near"]
    assert ordered[0].prediction.round_trip.seconds == 0.001
    assert ordered[0].prediction.round_trip.source is RoundTripSource.MEASURED


def test_what_was_not_measured_is_still_guessed() -> None:
    near, far = order([FAR, NEAR], PARIS, {"far": 0.4})
    assert near.prediction.round_trip.seconds == pytest.approx(
        expected_round_trip(PARIS, FRANKFURT)
    )
    assert far.prediction.round_trip.seconds == 0.4


def test_a_long_queue_outweighs_nearness() -> None:
    busy = candidate("busy", position=FRANKFURT, load=NodeLoad(running=9, slots=1))
    assert names(order([busy, FAR], PARIS, {})) == ["far", "busy"]


def test_equals_come_in_order_of_their_names_whatever_the_lease_says() -> None:
    b, a = candidate("b"), candidate("a")
    assert names(order([b, a], None, {})) == names(order([a, b], None, {})) == ["a", "b"]


def test_nobody_to_choose_from_is_nobody() -> None:
    assert order([], PARIS, {}) == []


@given(st.lists(candidates, max_size=4))
def test_each_candidate_comes_once_and_never_before_a_sooner_one(some: list[Candidate]) -> None:
    ordered = order(some, PARIS, {})
    assert sorted(names(ordered)) == sorted(one.node for one in some)
    costs = [one.prediction.ttft for one in ordered]
    assert costs == sorted(costs)
