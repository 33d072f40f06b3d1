"""Which nodes a lease names, and what share of the work each should get."""

import random
from collections import Counter

import pytest

from control_plane.routing.choice import (
    CANDIDATES_MOST,
    FREE_LEAST,
    NEAR_TIE_SECONDS,
    choose,
    in_flight,
    needs_core,
    tier,
    weights,
)
from control_plane.routing.map import RoutingMap
from nearfield.core.node import NodeLoad
from nearfield.core.route import Tier
from tests.support.plane_builders import view
from tests.support.records import node_info
from tests.support.routing_builders import fleet_of


def _fleet(*free: int, core: int = 0) -> RoutingMap:
    """Nodes with so many free slots of eight; the last `core` of them of the core region."""
    edge = len(free) - core
    return fleet_of(
        *(
            view(f"n-{index}", load=NodeLoad(running=8 - slots, slots=8), core=index >= edge)
            for index, slots in enumerate(free)
        )
    )


def _best(*ranks: float) -> list[tuple[float, int]]:
    return list(zip(ranks, range(len(ranks)), strict=True))


def test_the_soonest_are_chosen_in_order() -> None:
    best = _best(*(0.1 * step for step in range(8)))
    chosen = choose(best, _fleet(*[8] * 8).places, CANDIDATES_MOST, random.Random(1))
    assert chosen == [0, 1, 2, 3, 4]


def test_of_many_alike_any_may_be_chosen_and_none_that_is_later() -> None:
    fleet, rng = _fleet(*[8] * 10), random.Random(1)
    best = _best(*[0.1] * 9, 0.1 + 2 * NEAR_TIE_SECONDS)
    chosen = Counter(
        slot for _ in range(200) for slot in choose(best, fleet.places, CANDIDATES_MOST, rng)
    )
    assert set(chosen) == set(range(9))
    assert max(chosen.values()) < 2 * min(chosen.values())


def test_of_many_alike_the_free_ones_are_likelier() -> None:
    fleet, rng = _fleet(*[8] * 5, *[0] * 5), random.Random(1)
    chosen = Counter(
        slot
        for _ in range(200)
        for slot in choose(_best(*[0.1] * 10), fleet.places, CANDIDATES_MOST, rng)
    )
    assert min(chosen[slot] for slot in range(5)) > 3 * max(chosen[slot] for slot in range(5, 10))


def test_no_node_is_chosen_twice() -> None:
    fleet, rng = _fleet(*[8] * 10), random.Random(3)
    for _ in range(50):
        chosen = choose(_best(*[0.1] * 10), fleet.places, CANDIDATES_MOST, rng)
        assert len(set(chosen)) == CANDIDATES_MOST


def test_weights_are_shares_of_free_capacity_and_never_nothing() -> None:
    places = list(_fleet(6, 2, 0).places.values())
    total = 8 + FREE_LEAST
    assert weights(places) == pytest.approx([6 / total, 2 / total, FREE_LEAST / total])


def test_a_starting_nodes_capacity_is_its_ramp() -> None:
    load = NodeLoad(slots=10, ramp=0.2)
    fleet = fleet_of(view("new", load=load), view("old", load=NodeLoad(slots=10)))
    assert weights(list(fleet.places.values())) == pytest.approx([1 / 6, 5 / 6])


def test_what_was_sent_since_the_report_is_not_free_any_more() -> None:
    fleet = _fleet(4, 4)
    fleet.sent("n-0", 2.0)
    assert weights(list(fleet.places.values())) == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("free", "core", "needed"),
    [
        ((1, 1, 1, 1, 1), 0, False),
        ((1, 1, 1, 1), 0, True),
        ((0, 0, 0, 0, 0), 0, True),
        ((0, 0, 1, 0, 0), 0, False),
        ((0, 0, 0, 0, 0), 1, False),
        ((1,), 1, False),
    ],
)
def test_the_core_is_called_for_when_the_edge_is_short_or_full(
    free: tuple[int, ...], core: int, needed: bool
) -> None:
    fleet = _fleet(*free, core=core)
    assert needs_core([*fleet.places], fleet) is needed


@pytest.mark.parametrize(
    ("pop", "core", "step"),
    [
        ("fra1", False, Tier.POP),
        ("fra1", True, Tier.POP),
        ("ams1", False, Tier.NEIGHBOUR),
        ("ams1", True, Tier.CORE),
    ],
)
def test_the_ladder_goes_from_the_nearest_pop_to_the_core(pop: str, core: bool, step: Tier) -> None:
    assert tier(node_info(pop=pop, core=core), home="fra1") is step


@pytest.mark.parametrize(
    ("answers", "service_seconds", "requests"),
    [(0, 4.0, 1.0), (40, 0.0, 1.0), (5, 4.0, 1.0), (40, 4.0, 8.0), (64, 60.0, 16.0)],
)
def test_a_client_is_counted_with_as_much_as_it_will_have_under_way(
    answers: int, service_seconds: float, requests: float
) -> None:
    assert in_flight(answers, service_seconds, 20.0) == requests
