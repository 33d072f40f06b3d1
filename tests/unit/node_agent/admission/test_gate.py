import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.errors import NotTakingWork, Overloaded
from nearfield.core.node import NodeLoad, NodeState
from nearfield.core.prediction import queue_wait
from node_agent.admission.gate import refusal

IDLE = NodeLoad(slots=2, prefill_tokens_per_second=1000.0, decode_tokens_per_second=64.0)
FULL = NodeLoad(slots=2, running=2, waiting=3, decode_tokens_per_second=64.0)


def test_an_idle_node_takes_a_request() -> None:
    assert refusal(NodeState.READY, "", IDLE, 0, 0.001) is None


@pytest.mark.parametrize("state", [one for one in NodeState if one is not NodeState.READY])
def test_a_node_that_is_not_ready_takes_nothing_and_says_why(state: NodeState) -> None:
    why = refusal(state, "disk swap", IDLE, 64, None)
    assert isinstance(why, NotTakingWork)
    assert why.message == f"the node is {state}: disk swap"
    assert (why.field, why.limit) == ("node", state)


def test_without_a_reason_the_refusal_ends_at_the_state() -> None:
    why = refusal(NodeState.CORDONED, "", IDLE, 64, None)
    assert why is not None
    assert why.message == "the node is cordoned"


def test_a_full_queue_refuses_and_hints_when_to_come_back() -> None:
    why = refusal(NodeState.READY, "", FULL, 3, None)
    assert isinstance(why, Overloaded)
    assert (why.field, why.limit) == ("engine.queue", "3")
    assert why.retry_after == queue_wait(FULL) == 2.0


def test_the_last_place_of_the_queue_is_given_away() -> None:
    assert refusal(NodeState.READY, "", FULL, 4, None) is None


def test_a_wait_over_the_budget_refuses_with_the_wait_as_limit() -> None:
    load = NodeLoad(waiting=1, waiting_prompt_tokens=500, slots=4, prefill_tokens_per_second=1000.0)
    why = refusal(NodeState.READY, "", load, 64, 0.4)
    assert isinstance(why, Overloaded)
    assert (why.field, why.limit) == ("first_token_budget_seconds", "0.500")
    assert why.retry_after == 0.5
    assert refusal(NodeState.READY, "", load, 64, 0.5) is None


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 20), st.integers(0, 50))
def test_without_a_budget_only_the_bound_decides(
    running: int, waiting: int, slots: int, queue: int
) -> None:
    load = NodeLoad(running=running, waiting=waiting, slots=slots)
    refused = refusal(NodeState.READY, "", load, queue, None) is not None
    assert refused == (running + waiting >= slots + queue)
