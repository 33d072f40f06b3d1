"""What the clients of one network measured, and that no client can bend it for the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.routing.networks import (
    CLIENTS_TO_BELIEVE,
    POPS_MOST,
    SAMPLES_MOST,
    Client,
    Networks,
    client_of,
)
from nearfield.core.geo import Position, direction, expected_round_trip
from nearfield.core.prediction import UNKNOWN_ROUND_TRIP, RoundTripSource
from tests.support.records import FRANKFURT

BERLIN = Position(52.52, 13.41)
THERE = direction(FRANKFURT)
GUESS = expected_round_trip(BERLIN, FRANKFURT)


def _client(index: int, network: str = "net") -> Client:
    return Client(f"client-{index}", network)


def _networks(*seconds: float, origin: Position | None = BERLIN) -> Networks:
    """Each a client's measurement to Frankfurt, in this order."""
    networks = Networks()
    for index, one in enumerate(seconds):
        networks.note(_client(index), origin, [("fra1", THERE, one)])
    return networks


def _seconds(networks: Networks, origin: Position | None = BERLIN) -> float | None:
    learned = networks.learned(_client(99), origin).get("fra1")
    guess = GUESS if origin else UNKNOWN_ROUND_TRIP
    return learned.round_trip(guess).seconds if learned else None


def test_three_clients_of_a_network_are_believed() -> None:
    assert CLIENTS_TO_BELIEVE == 3
    assert _seconds(_networks(0.030, 0.034, 0.031)) == 0.031


def test_fewer_count_half_and_geography_the_other_half() -> None:
    assert _seconds(_networks(0.050)) == pytest.approx((0.050 + GUESS) / 2)
    assert _seconds(_networks(0.050, 0.060)) == pytest.approx((0.055 + GUESS) / 2)


def test_without_an_origin_the_other_half_is_the_unknown() -> None:
    assert _seconds(_networks(0.020, origin=None), None) == pytest.approx(0.060)


def test_nothing_is_known_to_other_networks_and_places() -> None:
    networks = _networks(0.030, 0.034, 0.031)
    assert networks.learned(_client(0, "another"), BERLIN) == {}
    assert networks.learned(_client(0), Position(-33.9, 18.4)) == {}
    assert networks.learned(_client(0), None) == {}


def test_what_is_learned_says_where_it_comes_from_and_how_steady_it_is() -> None:
    steady = _networks(0.030, 0.030, 0.030).learned(_client(9), BERLIN)["fra1"].round_trip(GUESS)
    assert (steady.source, steady.spread) == (RoundTripSource.NETWORK, 0.0)
    unsteady = _networks(0.02, 0.06, 0.1).learned(_client(9), BERLIN)["fra1"].round_trip(GUESS)
    assert unsteady.spread > 0.01


def test_one_client_alone_is_one_sample_however_often_it_reports() -> None:
    networks = _networks(0.030, 0.031)
    for step in range(50):
        networks.note(_client(7), BERLIN, [("fra1", THERE, 0.1 + step / 100)])
    assert _seconds(networks) == 0.031


def test_a_client_that_measures_anew_replaces_its_sample() -> None:
    networks = _networks(0.030, 0.031, 0.032)
    for index in range(3):
        networks.note(_client(index), BERLIN, [("fra1", THERE, 0.060)])
    assert _seconds(networks) == 0.060


def test_the_last_nine_clients_count() -> None:
    networks = _networks(*[0.030] * SAMPLES_MOST, *[0.080] * 5)
    assert _seconds(networks) == 0.080


@given(
    st.lists(st.floats(0.025, 0.035), min_size=5, max_size=5),
    st.lists(st.floats(0, 60), max_size=4),
    st.randoms(use_true_random=False),
)
def test_four_absurd_clients_do_not_bend_what_five_honest_ones_measured(
    honest: list[float], absurd: list[float], rng: object
) -> None:
    samples = [*honest, *absurd]
    rng.shuffle(samples)  # type: ignore[attr-defined]
    seconds = _seconds(_networks(*samples))
    assert seconds is not None
    assert min(honest) <= seconds <= max(honest)


def test_what_light_could_not_do_is_dropped() -> None:
    assert _seconds(_networks(0.0, 0.001, 0.004)) is None
    assert _seconds(_networks(0.0, 0.001, 0.004, 0.030, 0.031, 0.032)) == 0.031


@pytest.mark.parametrize("absurd", [5.0, 60.0])
def test_what_no_path_takes_counts_as_four_times_geography_and_a_quarter_second(
    absurd: float,
) -> None:
    most = 4 * GUESS + 0.25
    assert _seconds(_networks(absurd, absurd, absurd)) == pytest.approx(most)


def test_a_network_keeps_the_pops_it_used_last() -> None:
    networks = Networks()
    for index in range(POPS_MOST + 5):
        networks.note(_client(1), BERLIN, [(f"pop{index}", THERE, 0.03)])
    learned = networks.learned(_client(1), BERLIN)
    assert len(learned) == POPS_MOST
    assert f"pop{POPS_MOST + 4}" in learned


def test_networks_not_heard_of_lately_are_forgotten() -> None:
    networks = Networks(networks_most=3)
    for name in ("a", "b", "c", "a", "d"):
        networks.note(_client(1, name), BERLIN, [("fra1", THERE, 0.03)])
    known = [name for name in "abcd" if networks.learned(_client(2, name), BERLIN)]
    assert known == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("one", "other", "same_client", "same_network"),
    [
        ("10.1.2.3", "10.1.2.3", True, True),
        ("10.1.2.3", "10.1.2.4", False, True),
        ("10.1.2.3", "10.1.3.3", False, False),
        ("2001:db8:7:1::1", "2001:db8:7:1:9::2", True, True),
        ("2001:db8:7:1::1", "2001:db8:7:2::1", False, True),
        ("2001:db8:7:1::1", "2001:db8:8:1::1", False, False),
        ("unix:/run/a", "unix:/run/b", False, False),
    ],
)
def test_clients_are_told_apart_by_address_and_joined_by_network(
    one: str, other: str, same_client: bool, same_network: bool
) -> None:
    first, second = client_of(one), client_of(other)
    assert (first.name == second.name) is same_client
    assert (first.network == second.network) is same_network
