"""The agent's story: serve, join, report, drain, stop."""

import asyncio
import logging
from collections.abc import Sequence

from nearfield.core.errors import EngineDied
from nearfield.core.node import NodeState
from nearfield.core.rpc.server import RpcServer
from node_agent.admission.intake import Event
from node_agent.engine.base import Engine
from node_agent.intake import Intake
from node_agent.link.loop import Link
from node_agent.slow_start import SlowStart
from node_agent.workload import Workload

_log = logging.getLogger(__name__)
_ENGINE_WATCH_SECONDS = 0.5


class Agent:
    """One node, from its first answer to its last."""

    def __init__(
        self,
        engine: Engine,
        server: RpcServer,
        links: Sequence[Link],
        intake: Intake,
        workload: Workload,
        slow_start: SlowStart,
        *,
        drain_seconds: float,
    ) -> None:
        self._engine = engine
        self._server = server
        self._links = links
        self._intake = intake
        self._workload = workload
        self._slow_start = slow_start
        self._drain_seconds = drain_seconds

    async def run(self, stop: asyncio.Event) -> str:
        """Serve until `stop` or until another model is asked for, then drain.

        Returns the model to serve in a new process, or nothing where this is the end.
        Raises JoinError where the fleet refuses the node, EngineDied where the engine dies.
        """
        leaving = asyncio.Event()
        async with self._server:
            links = [asyncio.create_task(link.run(leaving)) for link in self._links]
            watch = asyncio.create_task(self._watch_engine())
            stopped = asyncio.create_task(stop.wait())
            start = asyncio.create_task(self._slow_start.run())
            switch = asyncio.create_task(self._intake.switch.asked.wait())
            try:
                await self._until_one_ends(stopped, switch, watch, start, *links)
                await self._drain()
            finally:
                leaving.set()
                self._intake.note_change()
                await self._wind_up(links, watch, stopped, switch, start)
        return "" if stop.is_set() else self._intake.switch.model

    async def _until_one_ends(self, *tasks: "asyncio.Task[object]") -> None:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _watch_engine(self) -> None:
        while self._engine.alive:  # noqa: ASYNC110 - vLLM tells only those who ask
            await asyncio.sleep(_ENGINE_WATCH_SECONDS)
        self._intake.happen(Event.ENGINE_DIED, "its engine died")
        await self._server.set_serving(False)
        raise EngineDied("the engine died; the agent stops so that its supervisor starts it anew")

    async def _drain(self) -> None:
        """Take nothing new and let what was admitted finish, within the drain's time."""
        _log.info("draining %d requests", self._workload.in_flight)
        if not self._intake.switch.asked.is_set() and self._intake.state is not NodeState.DRAINED:
            self._intake.happen(Event.DRAIN, "the agent is stopping")
        await self._server.set_serving(False)
        try:
            async with asyncio.timeout(self._drain_seconds):
                await self._workload.idle.wait()
        except TimeoutError:
            _log.warning("%d requests did not finish in time", self._workload.in_flight)

    async def _wind_up(
        self,
        links: Sequence["asyncio.Task[None]"],
        *others: "asyncio.Task[object] | asyncio.Task[None]",
    ) -> None:
        """Say goodbye on every link, within a second, and end the rest."""
        if links:
            _, slow = await asyncio.wait(links, timeout=1.0)
            for link in slow:
                link.cancel()
        for task in others:
            task.cancel()
        await asyncio.gather(*links, *others, return_exceptions=True)
