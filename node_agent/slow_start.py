"""How a node that comes back takes up work: warm first, then a little, then all."""

import asyncio
import contextlib
import logging

from nearfield.core.node import NodeState
from node_agent.admission.intake import Event
from node_agent.intake import Intake
from node_agent.prewarm import Prewarm
from node_agent.ramp import Ramp

_log = logging.getLogger(__name__)
TOLD_SECONDS = 3.0
"""For a control plane's list of prefixes; a node that hears none serves those who have a lease."""
WARM_SECONDS = 30.0
"""For all of its prefixes; what is not resident by then is warmed beside the first requests."""


class SlowStart:
    """Opens the node once its declared prefixes are resident, and keeps them so.

    `linked` says that a control plane may declare some.
    """

    def __init__(self, prewarm: Prewarm, intake: Intake, ramp: Ramp, *, linked: bool) -> None:
        self._prewarm = prewarm
        self._intake = intake
        self._ramp = ramp
        self._linked = linked

    async def run(self) -> None:
        """Open, then warm what was evicted or is declared anew, until cancelled."""
        if self._linked:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._prewarm.told.wait(), TOLD_SECONDS)
            try:
                await asyncio.wait_for(self._prewarm.warm(), WARM_SECONDS)
            except TimeoutError:
                _log.warning("not all declared prefixes were warm after %g s", WARM_SECONDS)
            self._ramp.start()
        if self._intake.state is not NodeState.FAILED:  # an engine may die while it is warmed
            self._intake.happen(Event.WARMED, self._intake.reason)
        await self._prewarm.run()
