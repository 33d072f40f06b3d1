import pytest

from nearfield.client.round_trips import RoundTrips


def test_the_first_measurement_counts_in_full() -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", 0.02)
    assert trips.snapshot() == {"fra1-a": 0.02}


def test_a_later_one_moves_the_value_by_a_quarter() -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", 0.02)
    trips.observe("fra1-a", 0.06)
    assert trips.snapshot()["fra1-a"] == pytest.approx(0.03)


def test_a_lasting_change_is_taken_up() -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", 0.02)
    for _ in range(20):
        trips.observe("fra1-a", 0.2)
    assert trips.snapshot()["fra1-a"] == pytest.approx(0.2, rel=0.01)


def test_nodes_are_measured_apart() -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", 0.02)
    trips.observe("iad1-a", 0.09)
    assert trips.snapshot() == {"fra1-a": 0.02, "iad1-a": 0.09}


def test_what_was_handed_out_does_not_change() -> None:
    trips = RoundTrips()
    trips.observe("fra1-a", 0.02)
    before = trips.snapshot()
    trips.observe("fra1-a", 0.06)
    assert before == {"fra1-a": 0.02}
