import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.node import Intake, NodeState
from node_agent.admission.intake import ASKED, TRANSITIONS, Event, next_state

STARTING, READY, CORDONED, DRAINING, DRAINED, FAILED = (
    NodeState.STARTING,
    NodeState.READY,
    NodeState.CORDONED,
    NodeState.DRAINING,
    NodeState.DRAINED,
    NodeState.FAILED,
)


@pytest.mark.parametrize(
    ("state", "event", "then"),
    [
        (READY, Event.CORDON, CORDONED),
        (CORDONED, Event.OPEN, READY),
        (READY, Event.DRAIN, DRAINING),
        (CORDONED, Event.DRAIN, DRAINING),
        (DRAINING, Event.EMPTIED, DRAINED),
        (DRAINED, Event.DRAIN, DRAINED),
        (DRAINED, Event.OPEN, READY),
        (DRAINING, Event.OPEN, READY),
        (DRAINED, Event.CORDON, CORDONED),
        (READY, Event.ENGINE_DIED, FAILED),
        (DRAINING, Event.ENGINE_DIED, FAILED),
        (STARTING, Event.WARMED, READY),
        (STARTING, Event.OPEN, STARTING),
        (STARTING, Event.CORDON, CORDONED),
        (STARTING, Event.DRAIN, DRAINING),
        (STARTING, Event.ENGINE_DIED, FAILED),
        (CORDONED, Event.WARMED, CORDONED),
        (DRAINED, Event.WARMED, DRAINED),
    ],
)
def test_an_event_moves_a_node_to_its_next_state(
    state: NodeState, event: Event, then: NodeState
) -> None:
    assert next_state(state, event) is then


@pytest.mark.parametrize("event", list(Event))
def test_a_failed_node_stays_failed(event: Event) -> None:
    with pytest.raises(ValueError, match=f"'{event}' cannot happen to a node that is failed"):
        next_state(FAILED, event)


@pytest.mark.parametrize("state", [READY, CORDONED, DRAINED])
def test_only_a_draining_node_can_run_empty(state: NodeState) -> None:
    with pytest.raises(ValueError, match="'emptied' cannot happen"):
        next_state(state, Event.EMPTIED)


def test_every_wish_of_the_control_plane_can_come_true() -> None:
    assert set(ASKED) == set(Intake)
    for state in (STARTING, READY, CORDONED, DRAINING, DRAINED):
        for event in ASKED.values():
            assert (state, event) in TRANSITIONS


@given(st.lists(st.sampled_from([*ASKED.values(), Event.ENGINE_DIED])))
def test_only_an_open_intake_is_ready_again(events: list[Event]) -> None:
    state = READY
    for event in events:
        if state is FAILED:
            break
        state = next_state(state, event)
        assert (state is READY) == (event is Event.OPEN)
