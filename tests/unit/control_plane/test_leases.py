"""Leases on the wire say what the one conversion of the project says."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings

from control_plane.api.leases import LeaseWriter
from nearfield.core.errors import NearfieldError
from nearfield.core.node import NodeLoad, NodeState, NodeView
from nearfield.core.route import RouteQuery
from nearfield.core.wire.routing import lease_to_wire
from tests.support.plane_builders import FakeClock, query, view
from tests.support.routing_builders import fleet_of, fleets, queries, residents, router_of


@settings(deadline=None)
@given(fleets(), queries, residents)
def test_a_lease_is_written_as_the_plain_conversion_writes_it(
    fleet: list[NodeView], asked: RouteQuery, resident: Mapping[str, int]
) -> None:
    router, writer = router_of(*fleet, residents=resident), LeaseWriter()
    for _ in range(3):  # the second time from what was kept
        try:
            decision = router.decide(asked)
        except NearfieldError:
            return
        plain = lease_to_wire(replace(decision.lease(), ticket="signed", ticket_ttl=900.0))
        assert writer.write(decision, "signed", 900.0) == plain


def test_a_new_report_is_in_the_next_lease() -> None:
    clock = FakeClock()
    fleet = fleet_of(view("a"), heard_at=clock.now)
    router, writer = router_of(fleet=fleet, clock=clock), LeaseWriter()
    assert writer.write(router.decide(query()), "", 0.0).candidates[0].load.running == 0
    clock.advance(1.0)
    fleet.loaded("a", NodeLoad(running=3, slots=9), clock.now)
    clock.advance(0.5)
    (written,) = writer.write(router.decide(query()), "", 0.0).candidates
    assert (written.load.running, written.load.slots, written.load_age_seconds) == (3, 9, 0.5)


def test_a_node_that_started_anew_is_told_by_its_new_endpoint() -> None:
    load = NodeLoad()
    fleet = fleet_of(view("a", load=load))
    router, writer = router_of(fleet=fleet), LeaseWriter()
    writer.write(router.decide(query()), "", 0.0)
    fleet.put(view("a", load=load, incarnation="inc-2", endpoint="10.0.0.2:7001"), 1000.0)
    (written,) = writer.write(router.decide(query()), "", 0.0).candidates
    assert (written.incarnation, written.endpoint) == ("inc-2", "10.0.0.2:7001")


def test_no_more_is_kept_than_the_bound() -> None:
    writer = LeaseWriter(kept_most=3)
    for index in range(8):
        nodes = [view(f"n-{index}"), view(f"m-{index}", state=NodeState.READY)]
        written = writer.write(router_of(*nodes).decide(query()), "", 0.0)
        assert {one.node for one in written.candidates} == {f"n-{index}", f"m-{index}"}
        assert len(writer._kept) <= 3
