"""The live view as arrays, fed by a registry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.fleet.registry import Registry
from control_plane.routing.map import RoutingMap
from control_plane.routing.sphere import expected_round_trips, unit_vector
from nearfield.core.geo import Position, direction, expected_round_trip
from nearfield.core.node import NodeLoad, NodeState, NodeView
from nearfield.core.prediction import queue_wait, seconds_per_byte
from tests.support.plane_builders import FakeClock, view
from tests.support.records import MODEL, node_info
from tests.support.routing_builders import fleet_of, fleets, positions

NAME = "fra1-a"
LOAD = NodeLoad(running=3, waiting=2, slots=4, base_seconds=0.05, prefill_tokens_per_second=900.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(clock: FakeClock) -> Registry:
    return Registry(clock)


@pytest.fixture
def fleet(registry: Registry) -> RoutingMap:
    """A map with one node, ready."""
    fleet = RoutingMap()
    registry.observe(fleet)
    registry.join(node_info(NAME), NodeState.READY)
    return fleet


def _slot(fleet: RoutingMap, name: str = NAME) -> int:
    slot = fleet.slot(name)
    assert slot is not None
    return slot


def _report(registry: Registry, load: NodeLoad | None = LOAD, **changes: object) -> None:
    said = {"state": NodeState.READY, "reason": "", "applied_revision": 0, **changes}
    registry.report(NAME, load=load, **said)  # type: ignore[arg-type]


@given(positions, positions)
def test_the_arrays_measure_the_way_as_geography_does(here: Position, there: Position) -> None:
    cosine = np.array([unit_vector(here) @ unit_vector(there)])
    expected = expected_round_trip(here, there)
    assert expected_round_trips(cosine)[0] == pytest.approx(expected, abs=1e-8)


def test_a_report_moves_what_a_first_token_costs(registry: Registry, fleet: RoutingMap) -> None:
    _report(registry)
    slot = _slot(fleet)
    assert fleet.static[slot] == queue_wait(LOAD) + LOAD.base_seconds
    assert fleet.per_byte[slot] == seconds_per_byte(LOAD)
    assert fleet.per_token[slot] == 1 / 900.0
    assert fleet.places[slot].load is LOAD


def test_a_report_without_a_load_leaves_the_load_and_renews_its_age(
    registry: Registry, fleet: RoutingMap, clock: FakeClock
) -> None:
    _report(registry)
    clock.advance(3)
    _report(registry, None)
    place = fleet.places[_slot(fleet)]
    assert (place.load, place.heard_at) == (LOAD, clock.now)
    assert registry.get(NAME).load is LOAD


def test_work_counts_as_sent_until_the_next_report(registry: Registry, fleet: RoutingMap) -> None:
    _report(registry)
    slot = _slot(fleet)
    fleet.sent(NAME, 1.5)
    fleet.sent(NAME, 0.5)
    assert fleet.places[slot].routed == 2.0
    assert fleet.static[slot] == queue_wait(LOAD, 2.0) + LOAD.base_seconds
    _report(registry)
    assert fleet.places[slot].routed == 0.0
    assert fleet.static[slot] == queue_wait(LOAD) + LOAD.base_seconds


def test_a_silence_is_no_report_of_what_was_sent_there(
    registry: Registry, fleet: RoutingMap, clock: FakeClock
) -> None:
    _report(registry)
    fleet.sent(NAME, 2.0)
    clock.advance(4)
    registry.notice_silence()
    assert fleet.places[_slot(fleet)].routed == 2.0


@pytest.mark.parametrize("state", set(NodeState) - {NodeState.READY})
def test_a_node_that_says_it_takes_no_work_is_closed_at_once(
    registry: Registry, fleet: RoutingMap, state: NodeState
) -> None:
    assert fleet.closed[_slot(fleet)] == 0
    _report(registry, state=state)
    assert fleet.closed[_slot(fleet)] != 0
    _report(registry)
    assert fleet.closed[_slot(fleet)] == 0


def test_neither_work_nor_a_report_makes_a_closed_node_look_soon(
    registry: Registry, fleet: RoutingMap, clock: FakeClock
) -> None:
    for _ in range(2):  # the second report moves nothing but the load
        _report(registry, state=NodeState.CORDONED)
        fleet.sent(NAME, 1.0)
        assert np.isnan(fleet.static[_slot(fleet)])
    clock.advance(1)
    _report(registry)
    assert fleet.static[_slot(fleet)] == queue_wait(LOAD) + LOAD.base_seconds


def test_a_silent_node_is_closed_at_once(
    registry: Registry, fleet: RoutingMap, clock: FakeClock
) -> None:
    clock.advance(4)
    registry.notice_silence()
    assert fleet.closed[_slot(fleet)] != 0


def test_a_map_that_comes_late_is_told_of_all_who_are_there(registry: Registry) -> None:
    registry.join(node_info(NAME), NodeState.READY)
    _report(registry)
    late = RoutingMap()
    registry.observe(late)
    assert late.places[_slot(late)].load is LOAD


def test_a_forgotten_node_leaves_nothing_behind(registry: Registry, fleet: RoutingMap) -> None:
    slot = _slot(fleet)
    registry.goodbye(NAME)
    registry.forget(NAME)
    assert fleet.slot(NAME) is None
    assert (len(fleet), bool(fleet.held[slot])) == (0, False)
    assert fleet.closed[slot] != 0
    assert not fleet.models
    assert not fleet.jurisdictions


def test_the_version_moves_with_who_is_there_and_what_is_fixed_and_with_nothing_else(
    registry: Registry, fleet: RoutingMap
) -> None:
    version = fleet.version
    _report(registry)
    _report(registry, state=NodeState.CORDONED)
    registry.join(node_info(NAME), NodeState.READY)
    assert fleet.version == version
    registry.join(node_info(NAME, jurisdiction="us"), NodeState.READY)
    assert fleet.version == version + 1
    registry.join(node_info("fra1-b"), NodeState.READY)
    assert fleet.version == version + 2
    registry.goodbye("fra1-b")
    registry.forget("fra1-b")
    assert fleet.version == version + 3


def test_models_and_jurisdictions_are_counted_as_nodes_change_them(
    registry: Registry, fleet: RoutingMap
) -> None:
    registry.join(node_info("fra1-b", local_models=("small",)), NodeState.READY)
    assert fleet.models == {MODEL.name: 2}
    assert fleet.local_models == {"small": 1}
    registry.join(node_info("fra1-b", jurisdiction="us"), NodeState.READY)
    assert fleet.local_models == {}
    assert fleet.jurisdictions == {"eu": 1, "us": 1}


@given(fleets(), st.integers(0, 9))
def test_after_any_coming_and_going_the_arrays_say_what_the_views_say(
    nodes: list[NodeView], gone: int
) -> None:
    fleet = fleet_of(*nodes)
    for one in nodes[:gone]:
        fleet.remove(one.info.name)
    for one in reversed(nodes[: gone // 2]):
        fleet.put(one, 1000.0)
    there = [*nodes[: gone // 2], *nodes[gone:]]
    assert len(fleet) == len(there) == fleet.held.sum()
    assert fleet.cores == sum(one.info.core for one in there)
    for one in there:
        slot = _slot(fleet, one.info.name)
        assert fleet.places[slot].info == one.info
        assert (fleet.closed[slot] == 0) == one.takes_work
        assert fleet.core[slot] == one.info.core
        assert np.isnan(fleet.static[slot]) != one.takes_work
        assert fleet.places[slot].direction == direction(one.info.position)
        assert fleet.pop[slot] == fleet.pops[one.info.pop]


def test_more_nodes_than_there_was_room_for_are_all_kept() -> None:
    nodes = [view(f"n-{index}", load=NodeLoad(base_seconds=index / 8)) for index in range(200)]
    fleet = fleet_of(*nodes)
    assert [fleet.static[_slot(fleet, one.info.name)] for one in nodes] == [
        index / 8 for index in range(200)
    ]


def test_prices_that_change_every_day_do_not_pile_up() -> None:
    fleet = fleet_of(view("steady", jurisdiction="us"))
    for price in range(1, 3000):
        fleet.put(view("changing", cost_per_hour=float(price)), 1000.0)
    assert len(fleet.kinds) < 1500
    kinds = [fleet.kind[_slot(fleet, name)] for name in ("steady", "changing")]
    assert fleet.kinds._examples[kinds[0]].jurisdiction == "us"
    assert fleet.kinds._examples[kinds[1]].cost_per_hour == 2999.0
