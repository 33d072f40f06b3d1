"""Values of the control plane for tests, each one thought long."""

from collections.abc import Mapping, Sequence
from typing import Any

from control_plane.directory.base import NodeRecord
from control_plane.directory.documents import check_size
from control_plane.directory.memory import MemoryDirectory
from nearfield.core.errors import DirectoryUnavailable, InvalidRequest
from nearfield.core.geo import Position
from nearfield.core.node import Desired, Health, NodeInfo, NodeLoad, NodeState, NodeView
from nearfield.core.policy import FleetPolicy
from nearfield.core.protocol import VERSION
from nearfield.core.route import RouteQuery
from nearfield.core.wire.enums import NODE_STATES
from nearfield.core.wire.node import info_to_wire, load_to_wire
from nearfield.local.places import POPS
from protos.nearfield.v1 import fleet_pb2
from tests.support.records import MODEL, node_info

TOKEN = "the-join-token"


class FakeClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class TroubledDirectory(MemoryDirectory):
    """A directory that can be away, and that holds no node of a name in `refused`."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.refused: set[str] = set()

    async def put(self, records: Sequence[NodeRecord]) -> None:
        self._check()
        for one in records:
            if one.info.name in self.refused:
                raise InvalidRequest(f"'{one.info.name}' is refused")
        await super().put(records)

    async def remove(self, names: Sequence[str]) -> None:
        self._check()
        await super().remove(names)

    async def desired(self) -> Mapping[str, Desired]:
        self._check()
        return await super().desired()

    async def put_desired(self, name: str, desired: Desired) -> bool:
        self._check()
        return await super().put_desired(name, desired)

    async def policy(self) -> FleetPolicy:
        self._check()
        return await super().policy()

    async def put_policy(self, policy: FleetPolicy) -> bool:
        check_size(policy)  # before anything is sent, as for Consul
        self._check()
        return await super().put_policy(policy)

    def _check(self) -> None:
        if self.away:
            raise DirectoryUnavailable("away for a test")


def view(
    name: str = "fra1-a",
    *,
    state: NodeState = NodeState.READY,
    health: Health = Health.ALIVE,
    reason: str = "",
    load: NodeLoad | None = None,
    **info: Any,
) -> NodeView:
    """Return a NodeView; `info` replaces fields of its NodeInfo."""
    return NodeView(node_info(name, **info), state, health, reason, load or NodeLoad())


def view_at(pop: str, **changes: Any) -> NodeView:
    """Return the view of a node at one of the known PoPs."""
    place = POPS[pop]
    fields = {"pop": pop, "position": place.position, "jurisdiction": place.jurisdiction}
    return view(f"{pop}-1", **{**fields, **changes})


def query(origin: Position | None = None, **changes: Any) -> RouteQuery:
    """Return a RouteQuery for the model that `view` serves."""
    return RouteQuery(**{"model": MODEL.name, "origin": origin, **changes})


def hello(info: NodeInfo | None = None, **changes: Any) -> fleet_pb2.NodeFrame:
    """Return a Hello with the right token; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "protocol_version": VERSION,
        "join_token": TOKEN,
        "node": info_to_wire(info or node_info()),
        "state": NODE_STATES[NodeState.READY],
    }
    return fleet_pb2.NodeFrame(hello=fleet_pb2.Hello(**{**fields, **changes}))


def report(
    state: NodeState = NodeState.READY,
    load: NodeLoad | None = None,
    *,
    reason: str = "",
    applied_revision: int = 0,
) -> fleet_pb2.NodeFrame:
    """Return a Report."""
    return fleet_pb2.NodeFrame(
        report=fleet_pb2.Report(
            state=NODE_STATES[state],
            reason=reason,
            load=load_to_wire(load or NodeLoad()),
            applied_revision=applied_revision,
        )
    )


def goodbye() -> fleet_pb2.NodeFrame:
    """Return a Goodbye."""
    return fleet_pb2.NodeFrame(goodbye=fleet_pb2.Goodbye(reason="test"))
