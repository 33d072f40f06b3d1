"""One node's link, from its Hello to its end; what the stream carries, without the stream."""

import asyncio
import hmac
from collections.abc import AsyncGenerator, Callable

from control_plane.fleet.changes import Follower
from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.policies import Policies
from control_plane.fleet.registry import Registry
from control_plane.fleet.residency import PrefixIndex
from nearfield.core.errors import InvalidRequest, JoinTokenInvalid
from nearfield.core.node import Desired, NodeInfo
from nearfield.core.policy import DeclaredPrefix
from nearfield.core.protocol import VERSION, check_version
from nearfield.core.trust import Trust
from nearfield.core.wire.enums import NODE_STATES, from_number
from nearfield.core.wire.node import desired_to_wire, info_from_wire, load_from_wire
from nearfield.core.wire.policy import prefix_to_wire
from nearfield.core.wire.prefix import summary_from_wire
from nearfield.core.wire.trust import trust_to_wire
from protos.nearfield.v1 import fleet_pb2 as pb

TRUST_SECONDS = 60.0
"""Between two words on trust, so that a node that hears us never runs out of keys."""


class NodeLinks:
    """Takes nodes in and keeps their side of the view."""

    def __init__(
        self,
        registry: Registry,
        desired: DesiredStates,
        policies: Policies,
        index: PrefixIndex,
        trust: Callable[[], Trust],
        *,
        replica_id: str,
        join_token: str,
    ) -> None:
        self._registry = registry
        self._desired = desired
        self._policies = policies
        self._index = index
        self._trust = trust
        self._replica_id = replica_id
        self._join_token = join_token

    def join(self, frame: pb.NodeFrame) -> NodeInfo:
        """Take a Hello; raises JoinError or InvalidRequest."""
        if not frame.HasField("hello"):
            raise InvalidRequest("a link starts with a Hello", field="frame", limit="hello")
        hello = frame.hello
        check_version(hello.protocol_version)
        if not hmac.compare_digest(hello.join_token.encode(), self._join_token.encode()):
            raise JoinTokenInvalid(
                "the join token is not this fleet's", field="join_token", limit="the fleet's"
            )
        info = info_from_wire(hello.node)
        self._registry.join(info, from_number(NODE_STATES, hello.state, "state"))
        self._registry.set_desired(info.name, self._desired.of(info.name))
        return info

    def welcome(self) -> pb.PlaneFrame:
        """Return the answer to a Hello."""
        return pb.PlaneFrame(
            welcome=pb.Welcome(
                replica_id=self._replica_id,
                protocol_version=VERSION,
                report_interval_seconds=self._registry.heartbeat(),
                trust=trust_to_wire(self._trust()),
            )
        )

    def take(self, info: NodeInfo, frame: pb.NodeFrame) -> bool:
        """Take a Report, a summary or a Goodbye; returns False once the node has left."""
        match frame.WhichOneof("frame"):
            case "report":
                self._report(info, frame.report)
            case "prefixes":
                self._index.take(info.name, summary_from_wire(frame.prefixes))
            case "goodbye":
                self._registry.goodbye(info.name)
                self._index.forget(info.name)
                return False
            case "hello":
                raise InvalidRequest("a link has one Hello", field="frame", limit="report, goodbye")
            case _:
                pass  # a newer node's frame
        return True

    async def frames(self, info: NodeInfo) -> AsyncGenerator[pb.PlaneFrame]:
        """Yield what the node is to know, now and whenever it changes."""
        sent: Desired | None = None
        declared: tuple[DeclaredPrefix, ...] | None = None
        with (
            self._registry.changes.follow(info.name) as follower,
            self._policies.changes.follow(follower=follower),
        ):
            names: set[str] = set()
            while True:
                if (wanted := self._registry.get(info.name).desired) != sent:
                    yield pb.PlaneFrame(desired=desired_to_wire(wanted))
                    sent = wanted
                if (prefixes := self._prefixes_of(info)) != declared:
                    yield self._declarations(prefixes)
                    declared = prefixes
                if names != {info.name}:
                    yield pb.PlaneFrame(trust=trust_to_wire(self._trust()))
                names = await _next(follower)

    def broken(self, info: NodeInfo) -> None:
        """Note that the connection ended without a goodbye."""
        if self._registry.broken(info, "its connection closed"):
            self._index.forget(info.name)

    def _report(self, info: NodeInfo, report: pb.Report) -> None:
        self._registry.report(
            info.name,
            from_number(NODE_STATES, report.state, "state"),
            report.reason,
            load_from_wire(report.load) if report.HasField("load") else None,
            report.applied_revision,
        )

    def _prefixes_of(self, info: NodeInfo) -> tuple[DeclaredPrefix, ...]:
        return tuple(
            prefix
            for prefix in self._policies.current.prefixes
            if (not prefix.pops or info.pop in prefix.pops) and info.model(prefix.model)
        )

    def _declarations(self, prefixes: tuple[DeclaredPrefix, ...]) -> pb.PlaneFrame:
        return pb.PlaneFrame(
            declarations=pb.Declarations(
                revision=self._policies.current.revision,
                prefixes=map(prefix_to_wire, prefixes),
            )
        )


async def _next(follower: Follower) -> set[str]:
    """Wait for a change; now and then come back without one, to say again what trust there is."""
    try:
        async with asyncio.timeout(TRUST_SECONDS):
            return await follower.take()
    except TimeoutError:
        return set()
