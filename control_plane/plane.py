"""The replica's story: read the directory, serve, follow the fleet, stop."""

import asyncio
import logging

from control_plane.directory.base import Directory
from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.heap import LongLived
from control_plane.fleet.policies import Policies
from control_plane.fleet.publisher import Publisher
from control_plane.fleet.registry import Registry
from control_plane.placement.loop import Placement
from control_plane.tickets.keyring import KeyRing
from nearfield.core.rpc.server import RpcServer

_log = logging.getLogger(__name__)
_SILENCE_SECONDS = 0.5
_ROTATE_SECONDS = 1.0


class Plane:
    """One control-plane replica."""

    def __init__(
        self,
        directory: Directory,
        registry: Registry,
        desired: DesiredStates,
        policies: Policies,
        keyring: KeyRing,
        placement: Placement,
        *,
        public: RpcServer,
        admin: RpcServer,
    ) -> None:
        self._directory = directory
        self._registry = registry
        self._desired = desired
        self._policies = policies
        self._keyring = keyring
        self._placement = placement
        self.public = public
        self.admin = admin

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; raises DirectoryUnavailable where it cannot start."""
        async with self._directory:
            self._registry.restore(await self._directory.nodes())
            await self._desired.load()
            await self._policies.load()
            for view in self._registry.views():
                self._registry.set_desired(view.info.name, self._desired.of(view.info.name))
            publisher = Publisher(self._directory, self._registry, self._desired, self._policies)
            async with self.public, self.admin:
                _log.info("routes on port %d, admin on %d", self.public.port, self.admin.port)
                async with asyncio.TaskGroup() as tasks:
                    loops = [
                        tasks.create_task(publisher.run()),
                        tasks.create_task(self._placement.run()),
                        tasks.create_task(self._notice_silence()),
                        tasks.create_task(self._rotate_keys()),
                    ]
                    await stop.wait()
                    for loop in loops:
                        loop.cancel()

    async def _notice_silence(self) -> None:
        heap = LongLived()
        while True:
            self._registry.notice_silence()
            heap.grown_to(len(self._registry))
            await asyncio.sleep(_SILENCE_SECONDS)

    async def _rotate_keys(self) -> None:
        while True:
            if self._keyring.rotate_if_due():
                self._policies.changes.note("keys")
            await asyncio.sleep(_ROTATE_SECONDS)
