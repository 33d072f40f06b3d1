"""Routes for one query: what holds for every fleet and every query."""

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given, settings

from control_plane.routing.choice import CANDIDATES_MOST
from control_plane.routing.decision import LEASE_SECONDS, RENEW_SECONDS
from control_plane.routing.filters import exclusion
from nearfield.core.constraints import Constraints
from nearfield.core.errors import NoCandidate
from nearfield.core.geo import Position
from nearfield.core.node import Health, NodeLoad, NodeState, NodeView
from nearfield.core.route import Outcome, RouteQuery, Tier
from tests.support.plane_builders import query, view
from tests.support.records import FRANKFURT, MODEL
from tests.support.routing_builders import fleet_of, fleets, queries, residents, router_of

CELL_SECONDS = 0.0015
"""Which nodes are considered goes by their cell, off by 0.7 ms at most, for either of two."""
NEAR_TIE_SECONDS = 0.005
PARIS = Position(48.86, 2.35)


def _may(fleet: list[NodeView], asked: RouteQuery) -> set[str]:
    places = fleet_of(*fleet).places.values()
    return {one.info.name for one in places if exclusion(one, asked) is None}


def _serves(fleet: list[NodeView]) -> bool:
    return any(one.info.model(MODEL.name) for one in fleet)


@settings(deadline=None)
@given(fleets(), queries, residents)
def test_candidates_are_the_soonest_of_those_who_may_be_asked(
    fleet: list[NodeView], asked: RouteQuery, resident: Mapping[str, int]
) -> None:
    may = _may(fleet, asked)
    if not may:
        return
    lease = router_of(*fleet, residents=resident).route(asked)
    names = [one.node for one in lease.candidates]
    ranks = [one.prediction.rank for one in lease.candidates]
    assert len(names) == len(set(names)) == min(len(may), CANDIDATES_MOST)
    assert set(names) <= may
    assert ranks == sorted(ranks)
    everybody = router_of(*fleet, residents=resident).explain(asked).nodes
    left_out = [one.candidate for one in everybody if one.rank and one.candidate.node not in names]
    edge = [one for one in lease.candidates if one.tier is not Tier.CORE]
    last = (edge or lease.candidates)[-1].prediction.rank
    late = CELL_SECONDS + NEAR_TIE_SECONDS
    assert all(one.prediction.rank >= last - late for one in left_out)


@settings(deadline=None)
@given(fleets(), queries)
def test_constraints_fail_closed_for_any_fleet(fleet: list[NodeView], asked: RouteQuery) -> None:
    if not _serves(fleet):
        return
    infos = {one.info.name: one.info for one in fleet}
    try:
        lease = router_of(*fleet).route(asked)
    except NoCandidate:
        assert not _may(fleet, asked)
        return
    for candidate in lease.candidates:
        info = infos[candidate.node]
        assert asked.constraints.failed_by(info) == ""
        allowed = asked.constraints.jurisdictions
        assert not allowed or candidate.jurisdiction in allowed
        assert candidate.node not in asked.excluded_nodes


@settings(deadline=None)
@given(fleets(), queries, residents)
def test_explaining_agrees_with_routing(
    fleet: list[NodeView], asked: RouteQuery, resident: Mapping[str, int]
) -> None:
    if not _serves(fleet):
        return
    explanation = router_of(*fleet, residents=resident).explain(asked)
    assert Counter(one.candidate.node for one in explanation.nodes) == Counter(
        one.info.name for one in fleet
    )
    ranked = [one for one in explanation.nodes if one.rank]
    excluded = explanation.nodes[len(ranked) :]
    assert [one.rank for one in ranked] == list(range(1, len(ranked) + 1))
    assert all(one.excluded_by and one.rank == 0 for one in excluded)
    router = router_of(*fleet, residents=resident)
    if not ranked:
        with pytest.raises(NoCandidate):
            router.route(asked)
        return
    lease = router.route(asked)
    told = {one.candidate.node: one.candidate for one in ranked}
    assert (lease.model, lease.map_revision) == (explanation.model, explanation.map_revision)
    for candidate in lease.candidates:
        assert candidate.prediction == told[candidate.node].prediction
        assert candidate.prefix_hints == told[candidate.node].prefix_hints


@settings(deadline=None)
@given(fleets(), queries)
def test_where_nobody_may_be_asked_each_filter_is_counted_and_the_last_is_named(
    fleet: list[NodeView], asked: RouteQuery
) -> None:
    may = _may(fleet, asked)
    alone = [one for one in fleet if one.info.name not in may]
    if not _serves(alone):
        return
    with pytest.raises(NoCandidate) as caught:
        router_of(*alone).route(asked)
    places = fleet_of(*alone).places.values()
    counts = Counter(why.constraint for one in places if (why := exclusion(one, asked)))
    assert _counts(caught.value.limit) == counts
    assert caught.value.field == list(_counts(caught.value.limit))[-1]
    assert f"of {len(alone)} nodes" in caught.value.message


def test_a_lease_holds_for_half_a_minute_under_a_name_of_its_own() -> None:
    router = router_of(view())
    first, second = (router.route(query()) for _ in range(2))
    assert first.ttl == LEASE_SECONDS == 30.0
    assert first.renew_after == RENEW_SECONDS == 20.0
    assert first.lease_id != second.lease_id


def test_an_all_excluded_fleet_gives_a_hint_when_to_come_back() -> None:
    fleet = [view("a", state=NodeState.CORDONED), view("b", health=Health.LOST), view("c")]
    with pytest.raises(NoCandidate) as caught:
        router_of(*fleet).route(query(excluded_nodes=frozenset({"c"})))
    assert caught.value.retry_after == 1.0
    assert _counts(caught.value.limit) == {"state": 1, "health": 1, "excluded": 1}


def test_a_jurisdiction_that_no_node_is_in_is_said_to_be_unknown() -> None:
    asked = query(constraints=Constraints(jurisdictions=("eu", "mars")))
    with pytest.raises(NoCandidate) as caught:
        router_of(view("a", jurisdiction="us"), view("b", jurisdiction="us")).route(asked)
    assert (caught.value.field, caught.value.limit) == ("jurisdiction", "jurisdiction: 2")
    assert "no node in eu, mars" in caught.value.message
    with pytest.raises(NoCandidate) as caught:
        router_of(view("a", health=Health.LOST), view("b", jurisdiction="us")).route(asked)
    assert (caught.value.field, caught.value.limit) == ("health", "jurisdiction: 1, health: 1")
    assert "no node in mars" in caught.value.message


def test_a_name_stands_for_the_only_model_or_for_itself() -> None:
    router = router_of(view())
    assert router.meant("") == MODEL.name
    assert router.meant("another") == "another"
    assert router_of().meant("") == ""


def _counts(limit: str) -> Mapping[str, int]:
    """Read `state: 1, health: 2`."""
    parts = [part.split(": ") for part in limit.split(", ")]
    return {constraint: int(count) for constraint, count in parts}


def test_a_busy_client_s_lease_counts_as_what_it_has_under_way() -> None:
    load = NodeLoad(slots=64, service_seconds=4.0)
    fleet = fleet_of(*(view(name, load=load) for name in ("a", "b")))
    answered = Outcome("a", 0.1, 0.1, Tier.POP)
    router_of(fleet=fleet).route(query(outcomes=(answered,) * 40))
    sent = [place.routed for place in fleet.places.values()]
    assert sum(sent) == pytest.approx(40 * 4.0 / RENEW_SECONDS)
    assert min(sent) > 0


def test_a_busy_client_s_lease_leaves_the_next_client_another_node() -> None:
    load = NodeLoad(slots=8, service_seconds=4.0)
    near, far = view("a", load=load, position=FRANKFURT), view("b", load=load, position=PARIS)
    router = router_of(near, far)
    answered = Outcome("a", 0.1, 0.1, Tier.POP)
    first, second = (
        router.route(query(FRANKFURT, outcomes=(answered,) * 45)).candidates[0].node
        for _ in range(2)
    )
    assert (first, second) == ("a", "b")
