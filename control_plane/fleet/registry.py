"""The one place where the live view of the fleet is written."""

from dataclasses import dataclass, replace

from control_plane.directory.base import Check, NodeRecord
from control_plane.fleet.changes import Changes
from control_plane.fleet.liveness import Sign, next_health, sign_of_silence
from nearfield.core.clock import Clock, monotonic
from nearfield.core.errors import NameTaken, UnknownNode
from nearfield.core.node import Desired, Health, NodeInfo, NodeLoad, NodeState, NodeView

_STATES = {
    Check.PASSING: NodeState.READY,
    Check.WARNING: NodeState.CORDONED,
    Check.CRITICAL: NodeState.READY,
}


@dataclass(slots=True)
class _Entry:
    view: NodeView
    heard_at: float
    linked: bool


class Registry:
    """Nodes by name. `changes` names those whose state, health or desired state moved;
    `reports` names every node that was heard."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self.changes = Changes()
        self.reports = Changes()
        self.revision = 0

    def restore(self, records: tuple[NodeRecord, ...]) -> None:
        """Take over what the directory remembers; what is not heard soon becomes lost."""
        for record in records:
            if record.info.name not in self._entries:
                critical = record.check is Check.CRITICAL
                view = NodeView(
                    record.info,
                    _STATES[record.check],
                    Health.LOST if critical else Health.SUSPECT,
                    record.note if critical else "not heard since the control plane started",
                )
                self._put(_Entry(view, self._clock(), linked=False))

    def join(self, info: NodeInfo, state: NodeState) -> None:
        """Take in a node; raises NameTaken where a live one holds the name."""
        entry = self._entries.get(info.name)
        if entry and entry.linked and entry.view.info.incarnation != info.incarnation:
            raise NameTaken(
                f"a live node holds the name '{info.name}' (at {entry.view.info.endpoint})",
                field="node.name",
                limit="unique in the fleet",
            )
        desired = entry.view.desired if entry else Desired()
        view = NodeView(info, state, Health.ALIVE, desired=desired)
        self._put(_Entry(view, self._clock(), linked=True))

    def report(
        self, name: str, state: NodeState, reason: str, load: NodeLoad, applied_revision: int
    ) -> None:
        """Note what a linked node says of itself."""
        entry = self._entry(name)
        entry.heard_at = self._clock()
        before = entry.view
        health = next_health(before.health, Sign.HEARD)
        entry.view = replace(
            before,
            state=state,
            reason=reason,
            health=health,
            load=load,
            applied_revision=applied_revision,
        )
        if (before.state, before.health, before.reason) != (state, health, reason):
            self._note(name)
        self.reports.note(name)

    def goodbye(self, name: str) -> None:
        """Note that a node left in good order."""
        self._sign(name, Sign.GOODBYE, "left")

    def broken(self, info: NodeInfo, reason: str) -> None:
        """Note that the link broke over which `info`, this very object, had joined.

        A node may have linked anew by then: a cut is seen by one side before the other.
        """
        entry = self._entries.get(info.name)
        if entry is None or entry.view.info is not info or not entry.linked:
            return
        failed = entry.view.state is NodeState.FAILED
        self._sign(info.name, Sign.BROKEN, entry.view.reason if failed else reason)

    def notice_silence(self) -> None:
        """Judge every node by how long it has been silent."""
        now = self._clock()
        for name, entry in self._entries.items():
            silence = now - entry.heard_at
            sign = sign_of_silence(silence)
            if sign and next_health(entry.view.health, sign) is not entry.view.health:
                quiet = sign is Sign.QUIET  # a suspect keeps its own reason: it may yet be well
                reason = entry.view.reason if quiet else f"silent for {silence:.0f} s"
                self._sign(name, sign, reason, unlink=False)

    def forget(self, name: str) -> None:
        """Drop a node that left, unless it has come back since."""
        entry = self._entries.get(name)
        if entry and entry.view.health is Health.LEFT:
            del self._entries[name]
            self._note(name)

    def set_desired(self, name: str, desired: Desired) -> None:
        """Hold a desired state; its node is told over its link."""
        entry = self._entry(name)
        entry.view = replace(entry.view, desired=desired)
        self._note(name)

    def get(self, name: str) -> NodeView:
        """Return one node; raises UnknownNode."""
        return self._present(self._entry(name))

    def views(self) -> list[NodeView]:
        """Return all nodes, by name."""
        return [self._present(self._entries[name]) for name in sorted(self._entries)]

    def _present(self, entry: _Entry) -> NodeView:
        return replace(entry.view, heard=self._clock() - entry.heard_at)

    def _entry(self, name: str) -> _Entry:
        try:
            return self._entries[name]
        except KeyError:
            known = ", ".join(sorted(self._entries)[:10])
            raise UnknownNode(
                f"no node is named '{name[:80]}'", field="name", limit=known
            ) from None

    def _put(self, entry: _Entry) -> None:
        name = entry.view.info.name
        self._entries[name] = entry
        self._note(name)

    def _sign(self, name: str, sign: Sign, reason: str, *, unlink: bool = True) -> None:
        entry = self._entry(name)
        entry.view = replace(entry.view, health=next_health(entry.view.health, sign), reason=reason)
        entry.linked = entry.linked and not unlink
        self._note(name)

    def _note(self, name: str) -> None:
        self.revision += 1
        self.changes.note(name)
