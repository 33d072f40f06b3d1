"""Desired state: changed by operators, kept by the directory, followed by nodes."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from control_plane.directory.base import Directory
from control_plane.fleet.registry import Registry
from nearfield.core.errors import DirectoryUnavailable
from nearfield.core.node import Desired

_log = logging.getLogger(__name__)
Change = Callable[[Desired], Desired]
_RACES_MOST = 5


class DesiredStates:
    """One revisioned desired state per node; the highest revision holds."""

    def __init__(self, directory: Directory, registry: Registry) -> None:
        self._directory = directory
        self._registry = registry
        self._known: dict[str, Desired] = {}
        self._not_durable: dict[str, Desired] = {}
        self._changing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def load(self) -> None:
        """Read what the directory keeps; raises DirectoryUnavailable."""
        stored = await self._directory.desired()
        missed = {
            name: desired
            for name, desired in self._not_durable.items()
            if name not in stored or stored[name].revision < desired.revision
        }
        self._known = {**stored, **missed}

    def of(self, name: str) -> Desired:
        """Return what a node should be; one nobody ever spoke of should be open."""
        fresh = Desired(directory_id=self._directory.directory_id)
        return self._known.get(name, fresh)

    async def change(self, name: str, change: Change) -> tuple[Desired, bool]:
        """Apply a change and return the new state, and whether the directory holds it.

        Raises UnknownNode. While the directory cannot be reached the change holds in memory
        and is written later.
        """
        self._registry.get(name)
        # without the directory nothing else keeps two changes from taking the same revision
        async with self._changing[name]:
            return await self._change(name, change)

    async def _change(self, name: str, change: Change) -> tuple[Desired, bool]:
        for _ in range(_RACES_MOST):
            before = self.of(name)
            desired = replace(
                change(before),
                revision=before.revision + 1,
                directory_id=self._directory.directory_id,
            )
            try:
                if not await self._directory.put_desired(name, desired):
                    await self.load()  # another writer was first: go on from what it wrote
                    continue
                durable = True
            except DirectoryUnavailable as error:
                _log.warning("desired state of %s is not durable yet: %s", name, error.message)
                self._not_durable[name] = desired
                durable = False
            self._known[name] = desired
            self._registry.set_desired(name, desired)
            return desired, durable
        raise DirectoryUnavailable(f"too many writers change the desired state of '{name}'")

    async def persist(self) -> None:
        """Write what the directory has missed; raises DirectoryUnavailable."""
        for name, desired in list(self._not_durable.items()):
            await self._directory.put_desired(name, desired)
            if self._not_durable.get(name) == desired:
                del self._not_durable[name]
