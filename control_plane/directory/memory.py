"""The embedded directory, the default: in memory, and in a file if it is to outlive the process."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from control_plane.directory.base import Directory, NodeRecord
from control_plane.directory.documents import check_size
from control_plane.directory.snapshot import Snapshot, SnapshotFile
from nearfield.core.identity import new_id
from nearfield.core.node import Desired
from nearfield.core.policy import FleetPolicy

T = TypeVar("T")


class MemoryDirectory(Directory):
    """A directory for exactly one replica.

    With a `path` every change is on disk before its call returns, and a lock beside the
    file keeps a second replica out: `async with` then raises ConfigError, as it does for
    a damaged file. Without one, all is gone with the process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: SnapshotFile | None = None
        self._state = Snapshot(directory_id=new_id("directory"))
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        if self._path is not None:
            self._file = SnapshotFile.open(self._path)
            try:
                await self._load(self._file)
            except BaseException:
                await self.aclose()
                raise
        self.directory_id = self._state.directory_id
        return self

    async def aclose(self) -> None:
        async with self._lock:
            if self._file is not None:
                self._file.close()

    async def nodes(self) -> tuple[NodeRecord, ...]:
        return tuple(self._state.nodes[name] for name in sorted(self._state.nodes))

    async def put(self, records: Sequence[NodeRecord]) -> None:
        await _to_its_end(self._put({record.info.name: record for record in records}))

    async def remove(self, names: Sequence[str]) -> None:
        await _to_its_end(self._remove(frozenset(names)))

    async def desired(self) -> Mapping[str, Desired]:
        return dict(self._state.desired)

    async def put_desired(self, name: str, desired: Desired) -> bool:
        return await _to_its_end(self._put_desired(name, desired))

    async def policy(self) -> FleetPolicy:
        return self._state.policy

    async def put_policy(self, policy: FleetPolicy) -> bool:
        # no more than Consul takes, so that a fleet can move there
        check_size(policy)
        return await _to_its_end(self._put_policy(policy))

    async def _load(self, file: SnapshotFile) -> None:
        stored = file.read()
        if stored is None:
            file.write(self._state)
        else:
            self._state = stored

    async def _put(self, records: dict[str, NodeRecord]) -> None:
        async with self._lock:
            await self._keep(replace(self._state, nodes=self._state.nodes | records))

    async def _remove(self, names: frozenset[str]) -> None:
        async with self._lock:
            left = {name: node for name, node in self._state.nodes.items() if name not in names}
            await self._keep(replace(self._state, nodes=left))

    async def _put_desired(self, name: str, desired: Desired) -> bool:
        async with self._lock:
            held = self._state.desired.get(name)
            if held is not None and held.revision >= desired.revision:
                return False
            await self._keep(replace(self._state, desired=self._state.desired | {name: desired}))
            return True

    async def _put_policy(self, policy: FleetPolicy) -> bool:
        async with self._lock:
            if self._state.policy.revision >= policy.revision:
                return False
            await self._keep(replace(self._state, policy=policy))
            return True

    async def _keep(self, state: Snapshot) -> None:
        if state == self._state:
            return
        if self._file is not None:
            await asyncio.to_thread(self._file.write, state)
        self._state = state


async def _to_its_end(change: Coroutine[Any, Any, T]) -> T:
    """Run a change that a cancelled caller must not break off between file and memory."""
    return await asyncio.shield(asyncio.create_task(change))
