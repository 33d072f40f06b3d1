"""A node's intake of work as a table of states; an absent transition is an error."""

from enum import StrEnum

from nearfield.core.node import Intake, NodeState


class Event(StrEnum):
    """What can happen to a node's intake."""

    OPEN = "open"
    CORDON = "cordon"
    DRAIN = "drain"
    EMPTIED = "emptied"
    ENGINE_DIED = "engine died"
    WARMED = "warmed"


_STARTED = (NodeState.READY, NodeState.CORDONED, NodeState.DRAINING, NodeState.DRAINED)
_ANY_ALIVE = (NodeState.STARTING, *_STARTED)

TRANSITIONS: dict[tuple[NodeState, Event], NodeState] = {
    **{(state, Event.OPEN): NodeState.READY for state in _STARTED},
    (NodeState.STARTING, Event.OPEN): NodeState.STARTING,  # it opens once it is warm
    (NodeState.STARTING, Event.WARMED): NodeState.READY,
    **{(state, Event.WARMED): state for state in _STARTED},  # asked otherwise meanwhile
    (NodeState.STARTING, Event.DRAIN): NodeState.DRAINING,
    **{(state, Event.CORDON): NodeState.CORDONED for state in _ANY_ALIVE},
    (NodeState.READY, Event.DRAIN): NodeState.DRAINING,
    (NodeState.CORDONED, Event.DRAIN): NodeState.DRAINING,
    (NodeState.DRAINING, Event.DRAIN): NodeState.DRAINING,
    (NodeState.DRAINED, Event.DRAIN): NodeState.DRAINED,
    (NodeState.DRAINING, Event.EMPTIED): NodeState.DRAINED,
    **{(state, Event.ENGINE_DIED): NodeState.FAILED for state in _ANY_ALIVE},
}

ASKED: dict[Intake, Event] = {
    Intake.OPEN: Event.OPEN,
    Intake.CORDONED: Event.CORDON,
    Intake.DRAINED: Event.DRAIN,
}


def next_state(state: NodeState, event: Event) -> NodeState:
    """Return the state after `event`; raises ValueError where it cannot happen."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"'{event}' cannot happen to a node that is {state}") from None
