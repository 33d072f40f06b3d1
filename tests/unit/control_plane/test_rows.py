"""The nearest nodes of each place."""

import random

import numpy as np
import pytest
from hypothesis import given

from control_plane.routing.map import RoutingMap
from control_plane.routing.rows import REBUILT_AFTER, ROW_NODES, Reach, Rows
from control_plane.routing.sphere import cell_of, centre_of
from nearfield.core.constraints import Constraints
from nearfield.core.geo import Position, distance_km, expected_round_trip
from nearfield.core.prediction import UNKNOWN_ROUND_TRIP
from tests.support.plane_builders import FakeClock, view
from tests.support.records import MODEL
from tests.support.routing_builders import fleet_of, positions

BERLIN = Position(52.52, 13.41)
ANY = Constraints()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="module")
def world() -> list[Position]:
    rng = random.Random(7)
    return [Position(rng.uniform(-60, 70), rng.uniform(-180, 180)) for _ in range(600)]


@pytest.fixture
def large(world: list[Position]) -> RoutingMap:
    """More nodes than a row holds, all over the Earth."""
    return fleet_of(
        *(
            view(f"n-{index}", position=position, jurisdiction="eu" if index % 2 else "us")
            for index, position in enumerate(world)
        )
    )


def _names(fleet: RoutingMap, slots: object) -> set[str]:
    return {fleet.places[slot].info.name for slot in slots.tolist()}  # type: ignore[attr-defined]


@given(positions)
def test_a_cell_is_off_by_less_than_a_millisecond_of_round_trip(origin: Position) -> None:
    centre = centre_of(cell_of(origin))
    off = expected_round_trip(origin, centre) - expected_round_trip(origin, origin)
    assert off < 0.001


def test_a_row_holds_the_nearest_nodes_with_their_round_trips(
    large: RoutingMap, clock: FakeClock
) -> None:
    row = Rows(large, clock).row(BERLIN, MODEL.name, ANY)
    centre = centre_of(cell_of(BERLIN))
    near = sorted(
        large.places, key=lambda slot: distance_km(centre, large.places[slot].info.position)
    )
    assert _names(large, row.slots) == {large.places[slot].info.name for slot in near[:ROW_NODES]}
    for slot, seconds in zip(row.slots.tolist(), row.round_trips.tolist(), strict=True):
        way = expected_round_trip(BERLIN, large.places[slot].info.position)
        assert seconds == pytest.approx(way, abs=0.001)


def test_a_row_holds_those_alone_who_meet_the_constraints(
    large: RoutingMap, clock: FakeClock
) -> None:
    row = Rows(large, clock).row(BERLIN, MODEL.name, Constraints(jurisdictions=("us",)))
    assert len(row.slots) == ROW_NODES
    assert {large.places[slot].info.jurisdiction for slot in row.slots.tolist()} == {"us"}


def test_without_an_origin_a_row_holds_nodes_from_all_over_the_fleet(
    large: RoutingMap, clock: FakeClock
) -> None:
    row = Rows(large, clock).row(None, MODEL.name, ANY)
    assert len(set(row.slots.tolist())) == ROW_NODES
    assert row.slots.max() > 590
    assert set(row.round_trips.tolist()) == {UNKNOWN_ROUND_TRIP}


def test_all_and_core_reach_further(large: RoutingMap, clock: FakeClock) -> None:
    large.put(view("centre", position=Position(-80, 0), core=True), clock.now)
    rows = Rows(large, clock)
    assert len(rows.row(BERLIN, MODEL.name, ANY, Reach.ALL).slots) == 601
    assert _names(large, rows.row(BERLIN, MODEL.name, ANY, Reach.CORE).slots) == {"centre"}


def test_a_row_is_built_once_for_its_cell(large: RoutingMap, clock: FakeClock) -> None:
    rows = Rows(large, clock)
    first = rows.row(BERLIN, MODEL.name, ANY)
    assert rows.row(Position(52.53, 13.42), MODEL.name, ANY) is first
    assert rows.row(Position(48.1, 11.6), MODEL.name, ANY) is not first
    assert rows.row(BERLIN, "other", ANY) is not first


def test_in_a_storm_of_joins_a_row_is_built_once_a_second(
    large: RoutingMap, clock: FakeClock
) -> None:
    rows = Rows(large, clock)
    first = rows.row(BERLIN, MODEL.name, ANY)
    large.put(view("new", position=BERLIN), clock.now)
    assert rows.row(BERLIN, MODEL.name, ANY) is first
    clock.advance(REBUILT_AFTER)
    assert "new" in _names(large, rows.row(BERLIN, MODEL.name, ANY).slots)


def test_a_row_of_all_never_lags(large: RoutingMap, clock: FakeClock) -> None:
    rows = Rows(large, clock)
    rows.row(BERLIN, MODEL.name, ANY, Reach.ALL)
    large.put(view("new", position=BERLIN), clock.now)
    assert "new" in _names(large, rows.row(BERLIN, MODEL.name, ANY, Reach.ALL).slots)


def test_a_small_fleet_is_never_stale(clock: FakeClock) -> None:
    fleet = fleet_of(view("a"))
    rows = Rows(fleet, clock)
    assert len(rows.row(BERLIN, MODEL.name, ANY).slots) == 1
    fleet.put(view("b"), clock.now)
    assert len(rows.row(BERLIN, MODEL.name, ANY).slots) == 2


def test_rows_not_used_lately_make_room(large: RoutingMap, clock: FakeClock) -> None:
    size = Rows(large, clock).row(BERLIN, MODEL.name, ANY).size
    rows = Rows(large, clock, bytes_most=3 * size)
    kept = rows.row(BERLIN, MODEL.name, ANY)
    for longitude in range(50):
        rows.row(Position(0, longitude), MODEL.name, ANY)
        assert rows.bytes <= 3 * size
        assert rows.row(BERLIN, MODEL.name, ANY) is kept


def test_a_row_knows_who_is_not_in_it(large: RoutingMap, clock: FakeClock) -> None:
    row = Rows(large, clock).row(BERLIN, MODEL.name, ANY)
    held = row.slots.tolist()
    out = sorted(set(range(600)) - set(held))
    asked = np.array([out[0], held[0], held[-1], out[-1]])
    assert row.missing(asked).tolist() == [out[0], out[-1]]
