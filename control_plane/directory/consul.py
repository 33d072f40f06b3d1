"""The directory in Consul: nodes in its catalogue, the rest in its key-value store."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, Self, TypeVar

from control_plane.directory import catalogue, documents
from control_plane.directory.base import Directory, NodeRecord
from control_plane.directory.consul_http import ConsulHttp, KeyValue
from control_plane.directory.transaction import batches
from nearfield.core.errors import DirectoryUnavailable, NameTaken
from nearfield.core.identity import new_id
from nearfield.core.node import Desired
from nearfield.core.policy import FleetPolicy

ID_KEY = "nearfield/directory-id"
DESIRED = "nearfield/desired/"
POLICY = "nearfield/policy"


class Revisioned(Protocol):
    """A value of which the highest revision holds."""

    @property
    def revision(self) -> int:
        """Counts its changes."""


R = TypeVar("R", bound=Revisioned)
Parse = Callable[[bytes], tuple[R, str]]
"""Returns a value and the name of the write that put it there; raises ValueError."""


class ConsulDirectory(Directory):
    """Nodes and desired state in the Consul at `address`.

    `seconds` bounds every exchange with Consul, and so each batch of a long `put`.
    One writer of nodes at a time is assumed; `put` trusts what this object last read or
    wrote, so a new writer calls `nodes()` first. Desired state may have many writers.
    """

    def __init__(self, address: str, token: str | None = None, seconds: float = 5.0) -> None:
        """Raises ConfigError for an address that is none."""
        self._http = ConsulHttp(address, token, seconds)
        self._known: dict[str, NodeRecord] = {}
        # a reading must not put an older view over what a writing has just learnt
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        try:
            self.directory_id = await self._learn_id()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def aclose(self) -> None:
        await self._http.aclose()

    async def nodes(self) -> tuple[NodeRecord, ...]:
        async with self._lock:
            health = await self._http.get(f"/v1/health/service/{catalogue.SERVICE}")
            # thousands of nodes take longer to read than other tasks should wait
            self._known = await asyncio.to_thread(catalogue.records, health)
            return tuple(self._known[name] for name in sorted(self._known))

    async def put(self, records: Sequence[NodeRecord]) -> None:
        wanted = {record.info.name: record for record in records}
        async with self._lock:
            refusal = await self._put(wanted)
            if refusal:
                # a node whose check alone was to change has gone: now it is written whole
                refusal = await self._put(wanted)
        if refusal:
            raise DirectoryUnavailable(f"Consul refused nodes: {refusal}", field="directory")

    async def remove(self, names: Sequence[str]) -> None:
        async with self._lock:
            foreign = await self._foreign()
            ours = [name for name in names if name.lower() not in foreign]
            for name in ours:
                self._known.pop(name, None)
            refusal = await self._write(batches([catalogue.removal(name)] for name in ours))
        if refusal:
            raise DirectoryUnavailable(f"Consul kept nodes: {refusal}", field="directory")

    async def desired(self) -> Mapping[str, Desired]:
        stored = await self._http.keys(DESIRED)
        parse = documents.parse_desired
        return {pair.key.removeprefix(DESIRED): _parse(pair, parse)[0] for pair in stored}

    async def put_desired(self, name: str, desired: Desired) -> bool:
        write = new_id("write")
        document = documents.desired_document(desired, write)
        key, revision = DESIRED + name, desired.revision
        return await self._put_newer(key, document, write, revision, documents.parse_desired)

    async def policy(self) -> FleetPolicy:
        stored = await self._http.key(POLICY)
        return _parse(stored, documents.parse_policy)[0] if stored else FleetPolicy()

    async def put_policy(self, policy: FleetPolicy) -> bool:
        write = new_id("write")
        document = documents.policy_document(policy, write)
        return await self._put_newer(
            POLICY, document, write, policy.revision, documents.parse_policy
        )

    async def _put_newer(
        self, key: str, document: bytes, write: str, revision: int, parse: Parse[R]
    ) -> bool:
        """Set a key unless it holds `revision` or a higher one.

        `write` names this call, which so knows its own write even if the answer to it was lost.
        """
        while True:
            stored = await self._http.key(key)
            if stored is not None:
                held, written_by = _parse(stored, parse)
                if written_by == write:
                    return True
                if held.revision >= revision:
                    return False
            index = stored.index if stored is not None else 0
            if await self._http.put_key(key, document, index):
                return True

    async def _learn_id(self) -> str:
        while (stored := await self._http.key(ID_KEY)) is None:
            await self._http.put_key(ID_KEY, new_id("directory").encode(), 0)
        return stored.value.decode()

    async def _put(self, wanted: Mapping[str, NodeRecord]) -> str:
        """Write what differs; returns why Consul refused it, or nothing."""
        changed = {name: new for name, new in wanted.items() if self._known.get(name) != new}
        await self._refuse_foreign(changed.keys() - self._known.keys())
        groups = (catalogue.operations(new, self._known.get(name)) for name, new in changed.items())
        # in a thread, as `nodes` is; and whole, so that one bad record stops the others too
        bodies = await asyncio.to_thread(list, batches(groups))
        for name in changed:
            # until the write is known to have succeeded, nothing is known of these
            self._known.pop(name, None)
        refusal = await self._write(bodies)
        if not refusal:
            self._known |= changed
        return refusal

    async def _write(self, bodies: Iterable[bytes]) -> str:
        for body in bodies:
            if refusal := await self._http.txn(body):
                return refusal
        return ""

    async def _refuse_foreign(self, names: Iterable[str]) -> None:
        """Raise NameTaken for a name that another Consul node has: writing would replace it."""
        new = set(names)
        if not new:
            return
        foreign = await self._foreign()
        for name in sorted(new):
            if name.lower() in foreign:
                raise NameTaken(f"Consul has another node named '{name}'", field="name")

    async def _foreign(self) -> frozenset[str]:
        nodes = await self._http.get("/v1/catalog/nodes", {"filter": catalogue.FOREIGN})
        return catalogue.names(nodes)


def _parse(stored: KeyValue, parse: Parse[R]) -> tuple[R, str]:
    try:
        return parse(stored.value)
    except ValueError as error:
        raise DirectoryUnavailable(
            f"Consul key {stored.key} is damaged: {error}", field=stored.key
        ) from None
