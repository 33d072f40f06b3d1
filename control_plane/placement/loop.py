"""Runs the planner now and then, and asks nodes for what it decided."""

import asyncio
import logging
from dataclasses import replace

from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.policies import Policies
from control_plane.fleet.registry import Registry
from control_plane.placement.demand import Demand
from control_plane.placement.fleet import SWITCH_SECONDS, Switch
from control_plane.placement.planner import DWELL_SECONDS, Assignment, plan
from nearfield.core.clock import Clock, monotonic
from nearfield.core.errors import DirectoryUnavailable, UnknownNode
from nearfield.core.node import Desired, Intake, NodeView

INTERVAL_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Placement:
    """One replica's planner; `dwell` is the seconds a node stays with a model at least."""

    def __init__(
        self,
        registry: Registry,
        desired: DesiredStates,
        policies: Policies,
        demand: Demand,
        clock: Clock = monotonic,
        dwell: float = DWELL_SECONDS,
    ) -> None:
        self._registry = registry
        self._desired = desired
        self._policies = policies
        self._demand = demand
        self._clock = clock
        self._dwell = dwell
        self._history: dict[str, Switch] = {}

    async def run(self) -> None:
        """Plan every few seconds until cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def step(self) -> tuple[Assignment, ...]:
        """Plan once, ask for it, and return what was asked for."""
        # Over thousands of nodes a plan takes a tenth of a second, in which no route is answered.
        if not any(len(info.local_models) > 1 for info in self._registry.infos()):
            return ()
        now = self._clock()
        kept = max(self._dwell, SWITCH_SECONDS)
        self._history = {
            node: switch for node, switch in self._history.items() if now - switch.at <= kept
        }
        views = {view.info.name: view for view in self._registry.views()}
        assignments = await asyncio.to_thread(
            plan,
            tuple(views.values()),
            self._policies.current.models,
            self._demand.snapshot(),
            now,
            self._history,
            self._dwell,
        )
        return tuple([one for one in assignments if await self._ask(views[one.node], one, now)])

    async def _ask(self, view: NodeView, assignment: Assignment, now: float) -> bool:
        def change(before: Desired) -> Desired:
            # an operator who closes the node meanwhile gives the reason
            reason = assignment.reason if before.intake is Intake.OPEN else before.reason
            return replace(before, model=assignment.model, reason=reason)

        try:
            await self._desired.change(assignment.node, change)
        except (DirectoryUnavailable, UnknownNode) as error:
            _log.warning("%s does not switch: %s", assignment.node, error.message)
            return False
        _log.info("%s is to serve %s: %s", assignment.node, assignment.model, assignment.reason)
        slots = max(1, view.load.slots)
        self._history[assignment.node] = Switch(assignment.model, view.info.pop, slots, now)
        return True
