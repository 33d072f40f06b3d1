"""Fleets that are full: a node is passed over for another that is sooner, and nobody fails by it.

Each node decides by the product's own gate, and the lease knows nothing of its queue.
"""

import pytest

from nearfield.client.answer import Answer
from nearfield.client.budget import FIELD
from nearfield.core.errors import InternalError, NotTakingWork, Overloaded
from nearfield.core.node import NodeLoad
from tests.support.nearfield_fleet import ANSWER, Fleet, Open

SLOTS = 8


def full(wait: float) -> NodeLoad:
    """Return the load of a node where the next request waits so many seconds."""
    return NodeLoad(running=SLOTS, slots=SLOTS, service_seconds=wait * SLOTS)


async def fleet_of(opened: Open, *waits: float) -> Fleet:
    """Open a fleet whose nodes fill up after a first request, which measures the question."""
    fleet = await opened.fleet(*[list(ANSWER) for _ in waits])
    assert await fleet.client.generate("hi").text() == "Time to"
    for node, wait in zip(fleet.nodes, waits, strict=True):
        node.requests.clear()
        node.full = full(wait) if wait else None
    return fleet


async def answered(fleet: Fleet) -> Answer:
    answer = fleet.client.generate("hi")
    assert await answer.text() == "Time to"
    return answer


def asked(fleet: Fleet) -> list[int]:
    return [len(node.requests) for node in fleet.nodes]


async def test_the_only_node_is_given_all_the_time_it_takes(opened: Open) -> None:
    fleet = await fleet_of(opened, 5.0)
    answer = await answered(fleet)
    assert (answer.record.attempts, answer.record.declines) == (1, 0)
    assert fleet.nodes[0].requests[0].first_token_budget is None


async def test_a_request_goes_on_from_a_full_node_to_an_idle_one(opened: Open) -> None:
    fleet = await fleet_of(opened, 5.0, 0.0)
    answer = await answered(fleet)
    assert (answer.record.attempts, answer.record.declines) == (2, 1)
    assert answer.record.candidate == fleet.plane.candidates[1]
    assert len(fleet.plane.queries) == 1


async def test_of_two_full_nodes_the_one_with_the_least_wait_answers(opened: Open) -> None:
    fleet = await fleet_of(opened, 5.0, 3.0)
    answer = await answered(fleet)
    assert (answer.record.attempts, answer.record.declines) == (3, 2)
    assert asked(fleet) == [1, 2]
    assert fleet.nodes[1].requests[-1].first_token_budget is None


async def test_of_four_full_nodes_the_one_with_the_least_wait_answers(opened: Open) -> None:
    fleet = await fleet_of(opened, 5.0, 3.0, 8.0, 4.0)
    answer = await answered(fleet)
    assert (answer.record.attempts, answer.record.declines) == (5, 4)
    assert asked(fleet) == [1, 2, 1, 1]
    assert fleet.plane.queries[1].excluded_nodes == {"node-0", "node-1"}


async def test_who_declined_stands_against_the_nodes_of_a_new_lease(opened: Open) -> None:
    fleet = await fleet_of(opened, 5.0, 3.0, 2.5)
    answer = await answered(fleet)
    assert asked(fleet) == [1, 1, 1]
    assert answer.record.attempts == 3


async def test_a_control_plane_that_fails_leaves_who_declined(opened: Open) -> None:
    fleet = await fleet_of(opened, 5.0, 3.0, 0.0)
    fleet.plane.error = InternalError("out of order")
    await answered(fleet)
    assert asked(fleet) == [1, 2, 0]


async def test_who_declined_answers_where_the_others_fail(opened: Open) -> None:
    fleet = await fleet_of(opened, 5.0, 0.0)
    fleet.nodes[1].steps = [NotTakingWork("draining")]
    answer = await answered(fleet)
    assert (answer.record.attempts, answer.record.declines) == (3, 1)
    assert asked(fleet) == [2, 1]


@pytest.mark.parametrize("waits", [(5.0,), (5.0, 3.0), (5.0, 3.0, 8.0, 4.0)])
async def test_a_budget_of_the_callers_that_no_node_meets_is_what_fails(
    opened: Open, waits: tuple[float, ...]
) -> None:
    fleet = await fleet_of(opened, *waits)
    with pytest.raises(Overloaded) as caught:
        await fleet.client.generate("hi", first_token_budget=1.5).text()
    assert caught.value.field == FIELD
    assert all(asked(fleet))


async def test_a_budget_of_the_callers_that_one_node_meets_is_met_there(opened: Open) -> None:
    fleet = await fleet_of(opened, 5.0, 3.0)
    answer = fleet.client.generate("hi", first_token_budget=4.0)
    assert await answer.text() == "Time to"
    assert fleet.nodes[1].requests[-1].first_token_budget == 4.0


async def test_a_request_that_all_declined_leaves_a_whole_lease_to_the_next(opened: Open) -> None:
    fleet = await fleet_of(opened, 5.0, 3.0, 2.5)
    await answered(fleet)
    queries = [query.excluded_nodes for query in fleet.plane.queries]
    assert queries[1] == {"node-0", "node-1"}
    for node in fleet.nodes:
        node.full = None
    await answered(fleet)
    await answered(fleet)
    assert [query.excluded_nodes for query in fleet.plane.queries[2:]] == [frozenset()]
