"""The node as its links see it."""

import asyncio
from collections.abc import Mapping

from nearfield.core.node import NodeInfo, NodeLoad, NodeState
from nearfield.core.policy import DeclaredPrefix
from nearfield.core.trust import Trust
from node_agent.admission.tickets import TrustStore
from node_agent.intake import Intake
from node_agent.load import LoadMeter
from node_agent.prefixes import Prefixes
from node_agent.prewarm import Prewarm


class NodeReporter:
    """Tells what is to be reported, and passes on what a replica says."""

    def __init__(
        self,
        info: NodeInfo,
        intake: Intake,
        meter: LoadMeter,
        prefixes: Prefixes,
        prewarm: Prewarm,
        trust: TrustStore,
    ) -> None:
        self.info = info
        self._intake = intake
        self._meter = meter
        self._prefixes = prefixes
        self._prewarm = prewarm
        self._trust = trust

    @property
    def state(self) -> NodeState:
        return self._intake.state

    @property
    def reason(self) -> str:
        return self._intake.reason

    @property
    def applied_revision(self) -> int:
        return self._intake.applied.revision

    def load(self) -> NodeLoad:
        return self._meter.refresh()

    def hot_prefixes(self) -> Mapping[int, int]:
        return self._prefixes.hot()

    def learn(self, replica: str, trust: Trust) -> None:
        self._trust.learn(replica, trust)

    def declare(self, prefixes: tuple[DeclaredPrefix, ...]) -> None:
        self._prewarm.declare(prefixes)

    @property
    def changes(self) -> int:
        return self._intake.changes

    async def wait_for_change(self, seen: int, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._intake.change_after(seen)
        except TimeoutError:
            return False
        return True
