"""The one place where the live view of the fleet is written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from control_plane.directory.base import Check, NodeRecord
from control_plane.fleet.changes import Changes
from control_plane.fleet.liveness import (
    HEARTBEAT,
    LARGE_FLEET,
    STRETCHED_HEARTBEAT,
    Sign,
    next_health,
    sign_of_silence,
)
from nearfield.core.clock import Clock, monotonic
from nearfield.core.errors import NameTaken, UnknownNode
from nearfield.core.node import Desired, Health, NodeInfo, NodeLoad, NodeState, NodeView

_STATES = {
    Check.PASSING: NodeState.READY,
    Check.WARNING: NodeState.CORDONED,
    Check.CRITICAL: NodeState.READY,
}


class Observer(Protocol):
    """Follows every word of every node as it comes, as the routing map does."""

    def put(self, view: NodeView, heard_at: float) -> None:
        """Take in a node, or what changed of it; `heard_at` is on the registry's clock."""

    def loaded(self, name: str, load: NodeLoad, heard_at: float) -> None:
        """Take a report that moves nothing but the load."""

    def remove(self, name: str) -> None:
        """Forget a node."""


@dataclass(slots=True)
class _Entry:
    """Changed in place: a value made anew for each report would cost more than the report."""

    info: NodeInfo
    state: NodeState
    health: Health
    heard_at: float
    linked: bool
    reason: str = ""
    load: NodeLoad = field(default_factory=NodeLoad)
    desired: Desired = field(default_factory=Desired)
    applied_revision: int = 0

    def view(self, now: float) -> NodeView:
        return NodeView(
            self.info,
            self.state,
            self.health,
            self.reason,
            self.load,
            now - self.heard_at,
            self.desired,
            self.applied_revision,
        )


class Registry:
    """Nodes by name. `changes` names those whose state, health or desired state moved;
    `reports` names every node that was heard."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._observers: list[Observer] = []
        self.changes = Changes()
        self.reports = Changes()
        self.revision = 0
        self._heartbeat = HEARTBEAT

    def __len__(self) -> int:
        return len(self._entries)

    def heartbeat(self) -> float:
        """Return the seconds between two reports that a node is to keep to from now on.

        What was told to one node holds for the judgement of all: once stretched, it stays so.
        """
        if len(self) > LARGE_FLEET:
            self._heartbeat = STRETCHED_HEARTBEAT
        return self._heartbeat

    def observe(self, observer: Observer) -> None:
        """Tell `observer` of all nodes, now and from now on."""
        self._observers.append(observer)
        for entry in self._entries.values():
            observer.put(entry.view(entry.heard_at), entry.heard_at)

    def restore(self, records: tuple[NodeRecord, ...]) -> None:
        """Take over what the directory remembers; what is not heard soon becomes lost."""
        for record in records:
            if record.info.name not in self._entries:
                critical = record.check is Check.CRITICAL
                health = Health.LOST if critical else Health.SUSPECT
                reason = "not heard since the control plane started"
                entry = _Entry(record.info, _STATES[record.check], health, self._clock(), False)
                entry.reason = record.note if critical else reason
                self._put(entry)

    def join(self, info: NodeInfo, state: NodeState) -> None:
        """Take in a node; raises NameTaken where a live one holds the name."""
        entry = self._entries.get(info.name)
        if entry and entry.linked and entry.info.incarnation != info.incarnation:
            raise NameTaken(
                f"a live node holds the name '{info.name}' (at {entry.info.endpoint})",
                field="node.name",
                limit="unique in the fleet",
            )
        desired = entry.desired if entry else Desired()
        self._put(_Entry(info, state, Health.ALIVE, self._clock(), True, desired=desired))

    def report(
        self,
        name: str,
        state: NodeState,
        reason: str,
        load: NodeLoad | None,
        applied_revision: int,
    ) -> None:
        """Note what a linked node says of itself; without a load it is as last reported."""
        entry = self._entry(name)
        entry.heard_at = self._clock()
        entry.applied_revision = applied_revision
        if load is not None:
            entry.load = load
        health = next_health(entry.health, Sign.HEARD)
        if (entry.state, entry.health, entry.reason) == (state, health, reason):
            for observer in self._observers:
                observer.loaded(name, entry.load, entry.heard_at)
        else:
            entry.state, entry.health, entry.reason = state, health, reason
            self._moved(entry)
        self.reports.note(name)

    def goodbye(self, name: str) -> None:
        """Note that a node left in good order."""
        self._sign(self._entry(name), Sign.GOODBYE, "left")

    def broken(self, info: NodeInfo, reason: str) -> bool:
        """Note that the link broke over which `info`, this very object, had joined.

        Returns whether that was its link still: the node may have linked anew by then, as
        a cut is seen by one side before the other.
        """
        entry = self._entries.get(info.name)
        if entry is None or entry.info is not info or not entry.linked:
            return False
        failed = entry.state is NodeState.FAILED
        self._sign(entry, Sign.BROKEN, entry.reason if failed else reason)
        return True

    def notice_silence(self) -> None:
        """Judge every node by how long it has been silent."""
        now = self._clock()
        for entry in self._entries.values():
            silence = now - entry.heard_at
            sign = sign_of_silence(silence, self._heartbeat)
            if sign and next_health(entry.health, sign) is not entry.health:
                quiet = sign is Sign.QUIET  # a suspect keeps its own reason: it may yet be well
                reason = entry.reason if quiet else f"silent for {silence:.0f} s"
                self._sign(entry, sign, reason, unlink=False)

    def forget(self, name: str) -> None:
        """Drop a node that left, unless it has come back since."""
        entry = self._entries.get(name)
        if entry and entry.health is Health.LEFT:
            del self._entries[name]
            for observer in self._observers:
                observer.remove(name)
            self._note(name)

    def set_desired(self, name: str, desired: Desired) -> None:
        """Hold a desired state; its node is told over its link."""
        self._entry(name).desired = desired
        self._note(name)

    def get(self, name: str) -> NodeView:
        """Return one node; raises UnknownNode."""
        return self._entry(name).view(self._clock())

    def infos(self) -> Iterator[NodeInfo]:
        """Yield who is known, in no order: a tenth of what `views` costs."""
        return (entry.info for entry in self._entries.values())

    def views(self) -> list[NodeView]:
        """Return all nodes, by name."""
        now = self._clock()
        return [entry.view(now) for _, entry in sorted(self._entries.items())]

    def _entry(self, name: str) -> _Entry:
        try:
            return self._entries[name]
        except KeyError:
            known = ", ".join(sorted(self._entries)[:10])
            raise UnknownNode(
                f"no node is named '{name[:80]}'", field="name", limit=known
            ) from None

    def _put(self, entry: _Entry) -> None:
        self._entries[entry.info.name] = entry
        self._moved(entry)

    def _sign(self, entry: _Entry, sign: Sign, reason: str, *, unlink: bool = True) -> None:
        entry.health, entry.reason = next_health(entry.health, sign), reason
        entry.linked = entry.linked and not unlink
        self._moved(entry)

    def _moved(self, entry: _Entry) -> None:
        for observer in self._observers:
            observer.put(entry.view(entry.heard_at), entry.heard_at)
        self._note(entry.info.name)

    def _note(self, name: str) -> None:
        self.revision += 1
        self.changes.note(name)
