import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.errors import NotTakingWork, Overloaded
from nearfield.core.node import NodeLoad, NodeState
from nearfield.core.prediction import Prompt, queue_wait
from node_agent.admission.gate import Patience, refusal

IDLE = NodeLoad(slots=2, prefill_tokens_per_second=1000.0, service_seconds=1.0)
FULL = NodeLoad(slots=2, running=2, waiting=3, service_seconds=1.0)
PATIENT = Patience()
SHORT = Prompt()


def test_an_idle_node_takes_a_request() -> None:
    assert refusal(NodeState.READY, "", IDLE, 0, Patience(0.001), SHORT) is None


@pytest.mark.parametrize("state", [one for one in NodeState if one is not NodeState.READY])
def test_a_node_that_is_not_ready_takes_nothing_and_says_why(state: NodeState) -> None:
    why = refusal(state, "disk swap", IDLE, 64, PATIENT, SHORT)
    assert isinstance(why, NotTakingWork)
    assert why.message == f"the node is {state}: disk swap"
    assert (why.field, why.limit) == ("node", state)


def test_without_a_reason_the_refusal_ends_at_the_state() -> None:
    why = refusal(NodeState.CORDONED, "", IDLE, 64, PATIENT, SHORT)
    assert why is not None
    assert why.message == "the node is cordoned"


def test_a_full_queue_refuses_and_hints_when_to_come_back() -> None:
    why = refusal(NodeState.READY, "", FULL, 3, PATIENT, SHORT)
    assert isinstance(why, Overloaded)
    assert (why.field, why.limit) == ("engine.queue", "3")
    assert why.retry_after == queue_wait(FULL) == 2.0


def test_the_last_place_of_the_queue_is_given_away() -> None:
    assert refusal(NodeState.READY, "", FULL, 4, PATIENT, SHORT) is None


def test_a_wait_over_the_budget_refuses_with_the_wait_as_limit() -> None:
    load = NodeLoad(waiting=1, waiting_prompt_tokens=500, slots=4, prefill_tokens_per_second=1000.0)
    why = refusal(NodeState.READY, "", load, 64, Patience(0.4), SHORT)
    assert isinstance(why, Overloaded)
    assert (why.field, why.limit) == ("first_token_budget_seconds", "0.500")
    assert why.retry_after == 0.5
    assert refusal(NodeState.READY, "", load, 64, Patience(0.5), SHORT) is None


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 20), st.integers(0, 50))
def test_without_a_budget_only_the_bound_decides(
    running: int, waiting: int, slots: int, queue: int
) -> None:
    load = NodeLoad(running=running, waiting=waiting, slots=slots)
    refused = refusal(NodeState.READY, "", load, queue, PATIENT, SHORT) is not None
    assert refused == (running + waiting >= slots + queue)


def test_a_deadline_that_the_wait_would_pass_refuses_at_once() -> None:
    why = refusal(NodeState.READY, "", FULL, 64, Patience(answer=1.5), SHORT)
    assert isinstance(why, Overloaded)
    assert (why.field, why.limit) == ("timeout_seconds", "2.000")
    assert why.retry_after == 2.0


def test_the_requests_own_prefill_counts_against_its_budget_unless_it_is_resident() -> None:
    load = NodeLoad(
        slots=4, base_seconds=0.1, prefill_tokens_per_second=1000.0, bytes_per_token=4.0
    )
    cold, warm = Prompt(4000), Prompt(4000, resident_tokens=900)
    assert refusal(NodeState.READY, "", load, 64, Patience(0.3), cold) is not None
    assert refusal(NodeState.READY, "", load, 64, Patience(0.3), warm) is None


def test_a_node_that_has_seen_no_prefill_refuses_nobody_for_its_length() -> None:
    load = NodeLoad(slots=4)
    assert refusal(NodeState.READY, "", load, 64, Patience(0.1), Prompt(1_000_000)) is None


def test_a_slow_start_refuses_nobody() -> None:
    load = NodeLoad(slots=10, running=5, ramp=0.1, service_seconds=5.0)
    assert refusal(NodeState.READY, "", load, 64, Patience(0.1), SHORT) is None
