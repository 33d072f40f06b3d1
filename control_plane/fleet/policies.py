"""The fleet's policy: changed by operators, kept by the directory, told to nodes."""

from collections.abc import Callable
from dataclasses import replace

from control_plane.directory.base import Directory
from control_plane.fleet.changes import Changes
from control_plane.fleet.revisions import Revisions
from nearfield.core.policy import FleetPolicy

Change = Callable[[FleetPolicy], FleetPolicy]
NAME = "policy"
"""What followers of `Policies.changes` are told."""


class Policies:
    """The one revisioned policy; `changes` tells who follows that it is another."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.changes = Changes()
        self._line = Revisions(_Store(directory, self.changes), FleetPolicy())

    @property
    def current(self) -> FleetPolicy:
        """What holds now."""
        return self._line.current

    async def load(self) -> None:
        """Read what the directory keeps; raises DirectoryUnavailable."""
        before = self.current
        self._line.load(await self._directory.policy())
        if self.current != before:
            self.changes.note(NAME)

    async def change(self, change: Change) -> tuple[FleetPolicy, bool]:
        """Apply a change and return the new policy, and whether the directory holds it.

        Raises InvalidRequest where the change does, or the directory cannot hold so much.
        While the directory cannot be reached the change holds in memory and is written
        later, on top of what other replicas have written by then.
        """
        return await self._line.change(change)

    async def persist(self) -> None:
        """Write what the directory has missed; raises DirectoryUnavailable."""
        await self._line.persist()


class _Store:
    """The policy in the directory."""

    name = "the fleet's policy"

    def __init__(self, directory: Directory, changes: Changes) -> None:
        self._directory = directory
        self._changes = changes

    async def read(self) -> FleetPolicy:
        return await self._directory.policy()

    async def write(self, value: FleetPolicy) -> bool:
        return await self._directory.put_policy(value)

    def stamp(self, value: FleetPolicy, revision: int) -> FleetPolicy:
        return replace(value, revision=revision, directory_id=self._directory.directory_id)

    def note(self, value: FleetPolicy) -> None:
        self._changes.note(NAME)
