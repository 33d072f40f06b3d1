import pytest

from nearfield.client.round_trips import NODES_MOST, SAMPLES_KEPT, SECONDS_MOST, RoundTrips
from nearfield.core.prediction import RoundTripSource
from tests.support.nearfield_builders import FakeClock


def seconds(trips: RoundTrips, node: str = "fra1-a") -> float:
    trip = trips.get(node)
    assert trip is not None
    return trip.seconds


def spread(trips: RoundTrips, node: str = "fra1-a") -> float:
    trip = trips.get(node)
    assert trip is not None
    return trip.spread


def test_the_first_measurement_counts_in_full_and_its_half_is_the_spread() -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", 0.02)
    assert (seconds(trips), spread(trips)) == (0.02, 0.01)


def test_it_is_the_middle_one_of_the_last_samples_and_as_far_off_as_the_middle_one_is() -> None:
    trips = RoundTrips()
    for sample in (0.02, 0.03, 0.025):
        trips.observe("fra1-a", sample)
    assert seconds(trips) == 0.025
    assert spread(trips) == pytest.approx(0.005)


def test_of_two_the_shorter_counts_and_the_other_is_the_spread() -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", 0.06)
    trips.observe("fra1-a", 0.02)
    assert seconds(trips) == 0.02
    assert spread(trips) == pytest.approx(0.04)


def test_stalls_of_one_end_do_not_make_a_node_far() -> None:
    trips = RoundTrips()
    for sample in (0.02, 0.02, 0.3, 0.02, 0.4, 0.02, 0.02, 0.5):
        trips.observe("fra1-a", sample)
    assert seconds(trips) == 0.02


def test_a_lasting_change_is_taken_up_with_the_fifth_sample_and_its_spread_settles() -> None:
    trips = RoundTrips()
    for _ in range(SAMPLES_KEPT):
        trips.observe("fra1-a", 0.02)
    for _ in range(4):
        trips.observe("fra1-a", 0.2)
    assert seconds(trips) == 0.02
    trips.observe("fra1-a", 0.2)
    assert seconds(trips) == 0.2
    for _ in range(3):
        trips.observe("fra1-a", 0.2)
    assert spread(trips) == 0.0


def test_nodes_are_measured_apart_and_handed_out_as_measured() -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", 0.02)
    trips.observe("iad1-a", 0.09)
    handed = trips.snapshot()
    assert {node: trip.seconds for node, trip in handed.items()} == {"fra1-a": 0.02, "iad1-a": 0.09}
    assert {trip.source for trip in handed.values()} == {RoundTripSource.MEASURED}
    assert handed["iad1-a"].spread == 0.045


def test_what_was_handed_out_does_not_change() -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", 0.02)
    before = trips.snapshot()
    trips.observe("fra1-a", 0.06)
    assert before["fra1-a"].seconds == 0.02


def test_a_node_that_was_not_measured_is_not_known() -> None:
    trips = RoundTrips()
    assert trips.get("fra1-a") is None
    assert trips.age("fra1-a") == float("inf")


def test_a_measurement_ages() -> None:
    clock = FakeClock()
    trips = RoundTrips(clock)
    trips.observe("fra1-a", 0.02)
    clock.advance(7.0)
    assert trips.age("fra1-a") == 7.0


def test_the_nodes_measured_longest_ago_are_forgotten_first() -> None:
    trips = RoundTrips()
    trips.observe("first", 0.02)
    trips.observe("second", 0.02)
    trips.observe("first", 0.02)
    for number in range(NODES_MOST - 1):
        trips.observe(f"node-{number}", 0.02)
    assert len(trips.snapshot()) == NODES_MOST
    assert (trips.get("first") is None, trips.get("second") is None) == (False, True)


@pytest.mark.parametrize("wrong", [-0.001, SECONDS_MOST + 0.1, float("nan")])
def test_what_no_network_takes_is_no_round_trip(wrong: float) -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", wrong)
    assert trips.snapshot() == {}
