"""Where work goes when the nearest nodes are full, few or gone; and how it is spread."""

from dataclasses import replace

import pytest

from control_plane.routing.map import RoutingMap
from control_plane.routing.router import CANDIDATES_MOST
from nearfield.core.constraints import Constraints
from nearfield.core.geo import Position
from nearfield.core.node import NodeLoad, NodeState, NodeView
from nearfield.core.route import Tier
from tests.support.plane_builders import FakeClock, query, view, view_at
from tests.support.routing_builders import fleet_of, measured, router_of

BERLIN = Position(52.52, 13.41)
IDLE = NodeLoad(slots=8, base_seconds=0.02, service_seconds=2.0)
FULL = NodeLoad(running=8, slots=8, base_seconds=0.02, service_seconds=2.0)
CORE = view_at("iad1", load=IDLE, core=True)


def _at(pop: str, index: int, load: NodeLoad = IDLE, **changes: object) -> NodeView:
    """One of several nodes of a PoP."""
    one = view_at(pop, load=load, **changes)
    return replace(one, info=replace(one.info, name=f"{pop}-{index}"))


def _pop(pop: str, nodes: int, load: NodeLoad = IDLE) -> list[NodeView]:
    return [_at(pop, index, load) for index in range(nodes)]


def _tiers(*fleet: NodeView) -> dict[str, Tier]:
    return {one.node: one.tier for one in router_of(*fleet).route(query(BERLIN)).candidates}


def test_work_spills_from_the_pop_to_neighbours_and_then_to_the_core() -> None:
    tiers = _tiers(*_pop("fra1", 2), view_at("ams1", load=IDLE), CORE)
    assert tiers == {
        "fra1-0": Tier.POP,
        "fra1-1": Tier.POP,
        "ams1-1": Tier.NEIGHBOUR,
        "iad1-1": Tier.CORE,
    }


def test_a_pop_that_takes_no_work_is_nobodys_nearest() -> None:
    tiers = _tiers(view_at("fra1", state=NodeState.DRAINING), view_at("ams1"), view_at("nrt1"))
    assert tiers == {"ams1-1": Tier.POP, "nrt1-1": Tier.NEIGHBOUR}


def test_the_nearest_pop_is_the_one_measured_as_such() -> None:
    router = router_of(view_at("fra1"), view_at("ams1"))
    trips = {"fra1-1": measured(0.05), "ams1-1": measured(0.01)}
    lease = router.route(query(BERLIN, round_trips=trips))
    assert {one.node: one.tier for one in lease.candidates} == {
        "ams1-1": Tier.POP,
        "fra1-1": Tier.NEIGHBOUR,
    }


def test_a_full_edge_has_a_last_resort_in_the_core() -> None:
    # Even the core's idle nodes are later than these full ones, were it not for the resort.
    slow = NodeLoad(slots=8, base_seconds=9.0)
    core = view_at("iad1", load=slow, core=True)
    last = router_of(*_pop("fra1", 8, FULL), core).route(query(BERLIN)).candidates[-1]
    assert (last.node, last.tier) == ("iad1-1", Tier.CORE)
    spare = router_of(*_pop("fra1", 8), core).route(query(BERLIN)).candidates
    assert {one.tier for one in spare} == {Tier.POP}


def test_a_core_far_beyond_the_nearest_nodes_is_found_too() -> None:
    fleet = [_at("fra1", index, FULL) for index in range(400)]
    last = router_of(*fleet, CORE).route(query(BERLIN)).candidates
    assert Tier.CORE in {one.tier for one in last}


def test_where_the_nearest_hundreds_are_gone_the_whole_fleet_is_asked() -> None:
    gone = [_at("fra1", index, state=NodeState.DRAINED) for index in range(300)]
    left = [view_at("syd1"), view_at("nrt1"), _at("fra1", 999)]
    lease = router_of(*gone, *left).route(query(BERLIN))
    assert [one.node for one in lease.candidates] == ["fra1-999", "nrt1-1", "syd1-1"]


def test_nodes_that_join_while_all_others_are_gone_are_found_at_once() -> None:
    clock, fleet = FakeClock(), RoutingMap()
    for index in range(300):
        fleet.put(_at("fra1", index, state=NodeState.DRAINED), clock.now)
    router = router_of(fleet=fleet, clock=clock)
    fleet.put(view_at("nrt1"), clock.now)
    assert router.route(query(BERLIN)).candidates[0].node == "nrt1-1"
    fleet.put(view_at("ams1"), clock.now)
    assert router.route(query(BERLIN)).candidates[0].node == "ams1-1"


def test_residency_holds_where_another_node_took_the_place_of_one_that_left() -> None:
    # its slot is the new node's, and rows of a large fleet may lag behind by a second
    asked = query(BERLIN, constraints=Constraints(jurisdictions=("eu",)))
    fleet = fleet_of(*(_at("fra1", index, jurisdiction="eu") for index in range(300)))
    router = router_of(fleet=fleet)
    router.route(asked)
    for index in range(280):
        fleet.remove(f"fra1-{index}")
        fleet.put(_at("iad1", index, jurisdiction="us"), 1000.0)
    for _ in range(30):
        found = router.route(asked).candidates
        assert {one.jurisdiction for one in found} == {"eu"}
        assert not {one.node for one in found} & {f"fra1-{index}" for index in range(280)}


def test_a_measured_node_that_fails_a_constraint_is_not_named() -> None:
    asked = query(
        BERLIN,
        constraints=Constraints(jurisdictions=("eu",)),
        round_trips={"iad1-0": measured(0.001)},
    )
    fleet = [_at("fra1", index, jurisdiction="eu") for index in range(300)]
    lease = router_of(*fleet, _at("iad1", 0, jurisdiction="us")).route(asked)
    assert {one.jurisdiction for one in lease.candidates} == {"eu"}


def test_a_far_node_that_this_client_measured_as_near_is_considered() -> None:
    fleet = [_at("fra1", index) for index in range(400)]
    trips = {"syd1-1": measured(0.001)}
    lease = router_of(*fleet, view_at("syd1", load=IDLE)).route(query(BERLIN, round_trips=trips))
    assert lease.candidates[0].node == "syd1-1"


def test_without_an_origin_the_networks_nearest_pop_is_found_in_a_large_fleet() -> None:
    far = [view(f"n-{index}", pop="cdg1", load=IDLE) for index in range(1000)]
    router = router_of(*far, view("near", pop="fra1", load=IDLE))
    for host in range(3):
        router.route(query(round_trips={"near": measured(0.002)}), f"10.0.0.{host}")
    assert router.route(query(), "10.0.0.50").candidates[0].node == "near"


def test_clients_who_ask_at_once_are_spread_over_all_that_is_alike() -> None:
    fleet = fleet_of(*_pop("fra1", 12, NodeLoad(slots=64)))
    router = router_of(fleet=fleet)
    for _ in range(360):
        router.route(query(BERLIN))
    sent = [place.routed for place in fleet.places.values()]
    assert sum(sent) == pytest.approx(360)
    assert max(sent) < 1.5 * min(sent)


def test_work_sent_counts_before_it_is_reported() -> None:
    router = router_of(*_pop("fra1", 1), view_at("nrt1", load=IDLE))
    first = [router.route(query(BERLIN)).candidates[0].node for _ in range(40)]
    assert first[0] == "fra1-0"
    assert "nrt1-1" in first


def test_weights_follow_what_is_free() -> None:
    half = NodeLoad(running=4, slots=8)
    lease = router_of(_at("fra1", 0, half), _at("fra1", 1, NodeLoad(slots=8))).route(query(BERLIN))
    weights = {one.node: one.weight for one in lease.candidates}
    assert weights == {"fra1-0": 4 / 12, "fra1-1": 8 / 12}


def test_no_lease_has_more_than_five_candidates() -> None:
    lease = router_of(*_pop("fra1", 20, FULL), CORE).route(query(BERLIN))
    assert len(lease.candidates) == CANDIDATES_MOST
