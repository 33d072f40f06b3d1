"""The rank of nodes for one query: what holds for every fleet and every query."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.routing.filters import exclusion
from control_plane.routing.router import CANDIDATES_MOST, LEASE_SECONDS, explain, route
from nearfield.core.errors import NoCandidate
from nearfield.core.geo import Position
from nearfield.core.node import Health, NodeLoad, NodeState, NodeView
from nearfield.core.route import RouteQuery
from tests.support.plane_builders import query, view
from tests.support.records import MODEL

OTHER = replace(MODEL, name="other")
NAMES = [f"node-{index}" for index in range(9)]

positions = st.builds(Position, st.floats(-90, 90), st.floats(-180, 180))
loads = st.builds(
    NodeLoad,
    running=st.integers(0, 50),
    waiting=st.integers(0, 50),
    waiting_prompt_tokens=st.integers(0, 100_000),
    slots=st.integers(0, 64),
    prefill_tokens_per_second=st.sampled_from([0.0, 500.0, 20_000.0]),
    decode_tokens_per_second=st.sampled_from([0.0, 10.0, 200.0]),
    base_seconds=st.floats(0, 2),
)
views = st.builds(
    view,
    st.just("unnamed"),
    state=st.sampled_from(NodeState) | st.just(NodeState.READY),
    health=st.sampled_from(Health) | st.just(Health.ALIVE),
    load=loads,
    position=positions,
    jurisdiction=st.sampled_from(["eu", "us", ""]),
    models=st.sampled_from([(MODEL,), (MODEL, OTHER), (OTHER,)]),
)
fleets = st.lists(views, max_size=len(NAMES)).map(
    lambda found: [
        replace(one, info=replace(one.info, name=name))
        for one, name in zip(found, NAMES, strict=False)
    ]
)
queries = st.builds(
    query,
    st.none() | positions,
    jurisdictions=st.sampled_from([(), ("eu",), ("eu", "us")]),
    round_trips=st.dictionaries(st.sampled_from(NAMES), st.floats(0, 60)),
    excluded_nodes=st.frozensets(st.sampled_from(NAMES), max_size=3),
)


@settings(deadline=None)
@given(fleets, queries)
def test_candidates_are_the_soonest_of_those_who_may_be_asked(
    fleet: list[NodeView], asked: RouteQuery
) -> None:
    may = [one.info.name for one in fleet if exclusion(one, asked) is None]
    if not may:
        return
    lease = route(fleet, asked, 7)
    names = [candidate.node for candidate in lease.candidates]
    times = [candidate.prediction.ttft for candidate in lease.candidates]
    assert len(names) == len(set(names)) == min(len(may), CANDIDATES_MOST)
    assert set(names) <= set(may)
    assert times == sorted(times)
    everybody = explain(fleet, asked, 7).nodes
    left_out = [one.candidate for one in everybody if one.rank > len(names)]
    assert all(one.prediction.ttft >= times[-1] for one in left_out)


@settings(deadline=None)
@given(fleets, queries)
def test_explaining_agrees_with_routing(fleet: list[NodeView], asked: RouteQuery) -> None:
    if not any(one.info.model(asked.model) for one in fleet):
        return
    explanation = explain(fleet, asked, 7)
    assert Counter(one.candidate.node for one in explanation.nodes) == Counter(
        one.info.name for one in fleet
    )
    ranked = [one for one in explanation.nodes if one.rank]
    excluded = explanation.nodes[len(ranked) :]
    assert [one.rank for one in ranked] == list(range(1, len(ranked) + 1))
    assert all(one.excluded_by and one.rank == 0 for one in excluded)
    if ranked:
        lease = route(fleet, asked, 7)
        assert [one.candidate for one in ranked[:CANDIDATES_MOST]] == list(lease.candidates)
        assert (lease.model, lease.map_revision) == (explanation.model, explanation.map_revision)
    else:
        with pytest.raises(NoCandidate):
            route(fleet, asked, 7)


@settings(deadline=None)
@given(fleets, queries)
def test_where_nobody_may_be_asked_the_error_counts_why(
    fleet: list[NodeView], asked: RouteQuery
) -> None:
    if not any(one.info.model(asked.model) for one in fleet):
        return
    alone = [one for one in fleet if exclusion(one, asked) is not None]
    if not any(one.info.model(asked.model) for one in alone):
        return
    with pytest.raises(NoCandidate) as caught:
        route(alone, asked, 7)
    counts = Counter(why.constraint for one in alone if (why := exclusion(one, asked)))
    assert _counts(caught.value.limit) == counts
    assert counts[caught.value.field] == max(counts.values())
    assert f"{len(alone)} nodes excluded" in caught.value.message


@settings(deadline=None)
@given(fleets, queries, st.randoms(use_true_random=False))
def test_the_order_in_which_nodes_are_held_does_not_matter(
    fleet: list[NodeView], asked: RouteQuery, rng: object
) -> None:
    if not any(exclusion(one, asked) is None for one in fleet):
        return
    shuffled = list(fleet)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert route(shuffled, asked, 1).candidates == route(fleet, asked, 1).candidates


def test_a_lease_holds_for_half_a_minute_under_a_name_of_its_own() -> None:
    first, second = (route([view()], query(), 3) for _ in range(2))
    assert first.ttl == LEASE_SECONDS == 30.0
    assert first.lease_id != second.lease_id


def test_an_all_excluded_fleet_gives_a_hint_when_to_come_back() -> None:
    fleet = [view("a", state=NodeState.CORDONED), view("b", health=Health.LOST), view("c")]
    with pytest.raises(NoCandidate) as caught:
        route(fleet, query(excluded_nodes=frozenset({"c"})), 1)
    assert caught.value.retry_after == 1.0
    assert _counts(caught.value.limit) == {"state": 1, "health": 1, "excluded": 1}


def _counts(limit: str) -> Mapping[str, int]:
    """Read `2 by health, 1 by state`."""
    parts = [part.split(" by ") for part in limit.split(", ")]
    return {constraint: int(count) for count, constraint in parts}
