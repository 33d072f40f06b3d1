import math

import pytest
from hypothesis import given

from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position, distance_km, expected_round_trip, parse_position
from tests.support.nearfield_strategies import positions

FRANKFURT = Position(50.11, 8.68)
PARIS = Position(48.86, 2.35)
NEW_YORK = Position(40.71, -74.01)
SYDNEY = Position(-33.87, 151.21)
SINGAPORE = Position(1.35, 103.82)
HALF_AROUND = math.pi * 6371.0


@pytest.mark.parametrize(
    ("a", "b", "known_km"),
    [
        (FRANKFURT, PARIS, 479),
        (PARIS, NEW_YORK, 5837),
        (SYDNEY, SINGAPORE, 6300),
        (FRANKFURT, SYDNEY, 16_500),
    ],
)
def test_distances_between_cities_are_the_known_ones(
    a: Position, b: Position, known_km: float
) -> None:
    assert distance_km(a, b) == pytest.approx(known_km, rel=0.01)


def test_the_date_line_is_no_border() -> None:
    assert distance_km(Position(0, 179.5), Position(0, -179.5)) == pytest.approx(111.2, rel=0.01)


@given(positions)
def test_antipodes_are_half_the_earth_apart(here: Position) -> None:
    there = Position(-here.latitude, here.longitude - math.copysign(180, here.longitude))
    assert distance_km(here, there) == pytest.approx(HALF_AROUND)


@given(positions, positions)
def test_distance_is_symmetric_and_never_beyond_half_the_earth(a: Position, b: Position) -> None:
    assert distance_km(a, b) == pytest.approx(distance_km(b, a), abs=1e-6)
    assert 0 <= distance_km(a, b) <= HALF_AROUND * (1 + 1e-9)


@given(positions)
def test_no_place_is_away_from_itself(here: Position) -> None:
    assert distance_km(here, here) == 0


@pytest.mark.parametrize(
    ("latitude", "longitude", "field", "limit"),
    [
        (90.001, 0, "latitude", "-90 to 90"),
        (-90.001, 0, "latitude", "-90 to 90"),
        (0, 180.001, "longitude", "-180 to 180"),
        (0, -180.001, "longitude", "-180 to 180"),
        (math.nan, 0, "latitude", "-90 to 90"),
        (0, math.nan, "longitude", "-180 to 180"),
        (math.inf, 0, "latitude", "-90 to 90"),
    ],
)
def test_degrees_outside_the_earth_are_refused_by_name(
    latitude: float, longitude: float, field: str, limit: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Position(latitude, longitude)
    assert (caught.value.field, caught.value.limit) == (field, limit)


def test_the_poles_and_the_date_line_are_on_the_earth() -> None:
    assert distance_km(Position(90, 180), Position(-90, -180)) == pytest.approx(HALF_AROUND)


@pytest.mark.parametrize("text", ["50.11,8.68", " 50.11 , 8.68 "])
def test_a_position_is_read_from_text(text: str) -> None:
    assert parse_position(text) == FRANKFURT


@pytest.mark.parametrize("text", ["", "50.11", "50.11,8.68,3", "north,south", "50.11;8.68"])
def test_what_is_no_position_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"50\.11,8\.68") as caught:
        parse_position(text)
    assert caught.value.field == "position"


def test_a_position_in_text_must_be_on_the_earth() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_position("nan,0")
    assert caught.value.field == "latitude"


def test_next_door_still_costs_the_last_mile() -> None:
    assert expected_round_trip(PARIS, PARIS) == pytest.approx(0.008)


def test_a_round_trip_is_fibre_times_the_detour_of_real_paths_plus_the_last_mile() -> None:
    km = distance_km(PARIS, NEW_YORK)
    assert expected_round_trip(PARIS, NEW_YORK) == pytest.approx(km / 100_000 * 1.7 + 0.008)
    # Measured paths between Paris and New York take 75 to 110 ms.
    assert 0.075 < expected_round_trip(PARIS, NEW_YORK) < 0.115
