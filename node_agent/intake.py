"""The node's intake as it stands, and the desired state it has applied."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from nearfield.core.node import Desired, NodeState
from node_agent.admission.intake import ASKED, Event, next_state
from node_agent.workload import Workload

_log = logging.getLogger(__name__)


class Intake:
    """One node's state; `changed` is set on every change, for those who report it."""

    def __init__(self, workload: Workload, clear_cache: Callable[[], Awaitable[None]]) -> None:
        self.state = NodeState.READY
        self.reason = ""
        self.applied = Desired()
        self.changed = asyncio.Event()
        self._workload = workload
        self._clear_cache = clear_cache

    async def apply(self, desired: Desired) -> None:
        """Take on a desired state unless a newer one of the same directory holds."""
        same_directory = desired.directory_id == self.applied.directory_id
        if same_directory and desired.revision <= self.applied.revision:
            return
        clear = desired.cache_generation > (self.applied.cache_generation if same_directory else 0)
        if self.state is not NodeState.FAILED:
            self.happen(ASKED[desired.intake], desired.reason)
            if clear:
                await self._clear_cache()
        self.applied = desired
        self.changed.set()
        _log.info("desired revision %d applied: %s", desired.revision, self.state)

    def happen(self, event: Event, reason: str = "") -> None:
        """Move by the table of states."""
        self.state = next_state(self.state, event)
        self.reason = reason
        self.settle()
        self.changed.set()

    def settle(self) -> None:
        """A draining node with nothing left is drained."""
        if self.state is NodeState.DRAINING and self._workload.in_flight == 0:
            self.happen(Event.EMPTIED, self.reason)
