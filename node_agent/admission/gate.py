"""Whether a request may enter now."""

from dataclasses import dataclass, replace

from nearfield.core.errors import NotTakingWork, Overloaded, Rejected
from nearfield.core.node import NodeLoad, NodeState
from nearfield.core.prediction import Prompt, prefill, queue_wait


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds a request can wait: for its first token, and for its whole answer."""

    first_token: float | None = None
    answer: float | None = None


def refusal(
    state: NodeState,
    reason: str,
    load: NodeLoad,
    queue: int,
    patience: Patience,
    prompt: Prompt,
) -> Rejected | None:
    """Return why a request must go elsewhere, or None where it may enter.

    `queue` bounds how many may wait beyond the slots. The slow start is the router's matter:
    who asks here may have all slots.
    """
    load = replace(load, ramp=1.0)
    if state is not NodeState.READY:
        why = f": {reason}" if reason else ""
        return NotTakingWork(f"the node is {state}{why}", field="node", limit=state)
    wait = queue_wait(load)
    if load.running + load.waiting >= load.slots + queue:
        return Overloaded(
            f"{load.waiting} requests wait already",
            field="engine.queue",
            limit=str(queue),
            retry_after=wait,
        )
    return _too_late(wait, _own_time(load, prompt), patience)


def _own_time(load: NodeLoad, prompt: Prompt) -> float:
    """Seconds of the request's own prefill; a node that has seen none yet refuses nobody for it."""
    return load.base_seconds + prefill(load, prompt) if load.base_seconds else 0.0


def _too_late(wait: float, own: float, patience: Patience) -> Rejected | None:
    """Compare what is predicted with what the request can wait."""
    first_token = wait + own
    limits = {
        "first_token_budget_seconds": patience.first_token,
        "timeout_seconds": patience.answer,
    }
    for field, limit in limits.items():
        if limit is not None and first_token > limit:
            return Overloaded(
                f"the first token is predicted after {first_token:.3f} s, {wait:.3f} s of it "
                f"waiting: over the {limit:g} s of {field}",
                field=field,
                limit=f"{first_token:.3f}",
                retry_after=wait,
            )
    return None
