"""Desired state: changed by operators and by placement, kept by the directory."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from control_plane.directory.base import Directory
from control_plane.fleet.registry import Registry
from control_plane.fleet.revisions import Revisions
from nearfield.core.errors import UnknownNode
from nearfield.core.node import Desired

Change = Callable[[Desired], Desired]


class DesiredStates:
    """One revisioned desired state per node; the highest revision holds."""

    def __init__(self, directory: Directory, registry: Registry) -> None:
        self._directory = directory
        self._registry = registry
        self._lines: dict[str, Revisions[Desired]] = {}

    async def load(self) -> None:
        """Read what the directory keeps; raises DirectoryUnavailable."""
        for name, desired in (await self._directory.desired()).items():
            self._line(name).load(desired)

    def of(self, name: str) -> Desired:
        """Return what a node should be; one nobody ever spoke of should be open."""
        line = self._lines.get(name)
        return line.current if line else _fresh(self._directory)

    async def change(self, name: str, change: Change) -> tuple[Desired, bool]:
        """Apply a change and return the new state, and whether the directory holds it.

        Raises UnknownNode. While the directory cannot be reached the change holds in memory
        and is written later, on top of what other replicas have written by then.
        """
        self._registry.get(name)
        return await self._line(name).change(change)

    async def persist(self) -> None:
        """Write what the directory has missed; raises DirectoryUnavailable."""
        for line in list(self._lines.values()):
            await line.persist()

    def _line(self, name: str) -> Revisions[Desired]:
        if name not in self._lines:
            store = _Store(self._directory, self._registry, name)
            self._lines[name] = Revisions(store, _fresh(self._directory))
        return self._lines[name]


class _Store:
    """One node's desired state in the directory."""

    def __init__(self, directory: Directory, registry: Registry, node: str) -> None:
        self._directory = directory
        self._registry = registry
        self._node = node
        self.name = f"the desired state of {node}"

    async def read(self) -> Desired:
        found = (await self._directory.desired()).get(self._node)
        return found or _fresh(self._directory)

    async def write(self, value: Desired) -> bool:
        return await self._directory.put_desired(self._node, value)

    def stamp(self, value: Desired, revision: int) -> Desired:
        return replace(value, revision=revision, directory_id=self._directory.directory_id)

    def note(self, value: Desired) -> None:
        with suppress(UnknownNode):  # it left while its desired state was written
            self._registry.set_desired(self._node, value)


def _fresh(directory: Directory) -> Desired:
    return Desired(directory_id=directory.directory_id)
