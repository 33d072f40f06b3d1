"""Writes to the directory what changed in the fleet, and goes on trying while it is away."""

import asyncio
import logging
import random

from control_plane.directory.base import Check, Directory, NodeRecord
from control_plane.fleet.changes import Follower
from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.policies import Policies
from control_plane.fleet.registry import Registry
from nearfield.core.errors import (
    DirectoryUnavailable,
    JoinError,
    RequestError,
    UnknownNode,
)
from nearfield.core.node import Health, NodeState, NodeView
from nearfield.core.retry import Backoff

_log = logging.getLogger(__name__)
_PERSIST_SECONDS = 5.0


def to_record(view: NodeView) -> NodeRecord:
    """Put a node's health and state in the directory's words.

    A suspect keeps its check: silence of a few seconds is not worth a write.
    """
    if view.health is Health.LOST or view.state is NodeState.FAILED:
        return NodeRecord(view.info, Check.CRITICAL, view.reason)
    if view.state is not NodeState.READY:
        why = f": {view.reason}" if view.reason else ""
        return NodeRecord(view.info, Check.WARNING, f"{view.state}{why}")
    return NodeRecord(view.info, Check.PASSING, "takes work")


class Publisher:
    """The registry's one writer to the directory."""

    def __init__(
        self,
        directory: Directory,
        registry: Registry,
        desired: DesiredStates,
        policies: Policies,
    ) -> None:
        self._directory = directory
        self._registry = registry
        self._desired = desired
        self._policies = policies
        self._backoff = Backoff()
        self._rng = random.Random()

    async def run(self) -> None:
        """Follow the registry until cancelled."""
        with self._registry.changes.follow() as follower:
            for view in self._registry.views():
                follower.add(view.info.name)
            while True:
                names = await self._next(follower)
                await self._write_until_done(names)

    async def _next(self, follower: Follower) -> set[str]:
        """Wait for changes; now and then come back without, for what is not yet kept."""
        try:
            async with asyncio.timeout(_PERSIST_SECONDS):
                return await follower.take()
        except TimeoutError:
            return set()

    async def _write_until_done(self, names: set[str]) -> None:
        attempt = 0
        while True:
            try:
                if names:
                    await self._write(names)
                await self._desired.persist()
                await self._policies.persist()
                return
            except DirectoryUnavailable as error:
                _log.warning("the directory is away, trying again: %s", error.message)
            await asyncio.sleep(self._backoff.delay(attempt, self._rng))
            attempt += 1

    async def _write(self, names: set[str]) -> None:
        left: list[NodeView] = []
        present: list[NodeView] = []
        for name in names:
            try:
                view = self._registry.get(name)
            except UnknownNode:
                continue
            (left if view.health is Health.LEFT else present).append(view)
        await self._put([to_record(view) for view in present])
        await self._directory.remove([view.info.name for view in left])
        for view in left:
            self._registry.forget(view.info.name)

    async def _put(self, records: list[NodeRecord]) -> None:
        """Write all at once; one that the directory cannot hold must not keep out the others."""
        try:
            await self._directory.put(records)
        except (JoinError, RequestError) as error:
            if len(records) == 1:
                _log.error("%s is not registered: %s", records[0].info.name, error.message)
                return
            for record in records:
                await self._put([record])
