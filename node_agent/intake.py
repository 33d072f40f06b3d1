"""The node's intake as it stands, and the desired state it has applied."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from nearfield.core.node import Desired, NodeState
from node_agent.admission.intake import ASKED, Event, next_state
from node_agent.switching import ModelSwitch
from node_agent.workload import Workload

_log = logging.getLogger(__name__)


class Intake:
    """One node's state; `changes` counts what changed so far, for those who report it."""

    def __init__(
        self,
        workload: Workload,
        clear_cache: Callable[[], Awaitable[None]],
        *,
        starting: bool = False,
        switch: ModelSwitch | None = None,
    ) -> None:
        self.state = NodeState.STARTING if starting else NodeState.READY
        self.reason = ""
        self.applied = Desired()
        self.changes = 0
        self._next_change = asyncio.Event()
        self.switch = switch or ModelSwitch()
        self._workload = workload
        self._clear_cache = clear_cache

    async def apply(self, desired: Desired) -> None:
        """Take on a desired state unless a newer one of the same directory holds."""
        same_directory = desired.directory_id == self.applied.directory_id
        if same_directory and desired.revision <= self.applied.revision:
            return
        clear = desired.cache_generation > (self.applied.cache_generation if same_directory else 0)
        if self.state is not NodeState.FAILED:
            self._follow(desired)
            if clear:
                await self._clear_cache()
        self.applied = desired
        self.note_change()
        _log.info("desired revision %d applied: %s", desired.revision, self.state)

    def _follow(self, desired: Desired) -> None:
        """A node whose model is to be another drains at once, whatever else is asked of it."""
        # of revision 0 nobody has spoken yet: a directory that forgot moves no node
        refusal = self.switch.follow(desired.model) if desired.revision else ""
        if refusal:
            _log.error("desired revision %d: %s", desired.revision, refusal)
        if self.switch.asked.is_set():
            self.happen(Event.DRAIN, f"switching to {self.switch.model}")
        else:
            self.happen(ASKED[desired.intake], refusal or desired.reason)

    def happen(self, event: Event, reason: str = "") -> None:
        """Move by the table of states."""
        self.state = next_state(self.state, event)
        self.reason = reason
        self.settle()
        self.note_change()

    def note_change(self) -> None:
        """Wake everybody who waits for a change."""
        self.changes += 1
        self._next_change.set()
        self._next_change = asyncio.Event()

    async def change_after(self, seen: int) -> None:
        """Return once there are more changes than were seen."""
        while self.changes <= seen:
            await self._next_change.wait()

    def settle(self) -> None:
        """A draining node with nothing left is drained."""
        if self.state is NodeState.DRAINING and self._workload.in_flight == 0:
            self.happen(Event.EMPTIED, self.reason)
