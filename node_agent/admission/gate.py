"""Whether a request may enter now."""

from nearfield.core.errors import NotTakingWork, Overloaded, Rejected
from nearfield.core.node import NodeLoad, NodeState
from nearfield.core.prediction import queue_wait


def refusal(
    state: NodeState, reason: str, load: NodeLoad, queue: int, budget: float | None
) -> Rejected | None:
    """Return why a request must go elsewhere, or None where it may enter.

    `queue` bounds how many may wait beyond the slots; `budget` is the seconds that
    the first token is worth waiting for.
    """
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
    if budget is not None and wait > budget:
        return Overloaded(
            f"the wait is {wait:.3f} s, over the first token's budget of {budget:g} s",
            field="first_token_budget_seconds",
            limit=f"{wait:.3f}",
            retry_after=wait,
        )
    return None
