"""One node's link, from its Hello to its end; what the stream carries, without the stream."""

import hmac
from collections.abc import AsyncGenerator

from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.registry import Registry
from nearfield.core.errors import InvalidRequest, JoinTokenInvalid
from nearfield.core.node import Desired, NodeInfo
from nearfield.core.protocol import VERSION, check_version
from nearfield.core.wire.enums import NODE_STATES, from_number
from nearfield.core.wire.node import desired_to_wire, info_from_wire, load_from_wire
from protos.nearfield.v1 import fleet_pb2 as pb

REPORT_INTERVAL = 1.0
"""Seconds between two reports of an idle node: the heartbeat."""


class NodeLinks:
    """Takes nodes in and keeps their side of the view."""

    def __init__(
        self,
        registry: Registry,
        desired: DesiredStates,
        *,
        replica_id: str,
        join_token: str,
        report_interval: float = REPORT_INTERVAL,
    ) -> None:
        self._registry = registry
        self._desired = desired
        self._replica_id = replica_id
        self._join_token = join_token
        self._report_interval = report_interval

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
                report_interval_seconds=self._report_interval,
            )
        )

    def take(self, info: NodeInfo, frame: pb.NodeFrame) -> bool:
        """Take a Report or a Goodbye; returns False once the node has left."""
        match frame.WhichOneof("frame"):
            case "report":
                report = frame.report
                self._registry.report(
                    info.name,
                    from_number(NODE_STATES, report.state, "state"),
                    report.reason,
                    load_from_wire(report.load),
                    report.applied_revision,
                )
            case "goodbye":
                self._registry.goodbye(info.name)
                return False
            case "hello":
                raise InvalidRequest("a link has one Hello", field="frame", limit="report, goodbye")
            case _:
                pass  # a newer node's frame
        return True

    async def desired(self, info: NodeInfo) -> AsyncGenerator[pb.PlaneFrame]:
        """Yield the node's desired state now and whenever it changes."""
        sent: Desired | None = None
        with self._registry.changes.follow() as follower:
            while True:
                wanted = self._registry.get(info.name).desired
                if wanted != sent:
                    yield pb.PlaneFrame(desired=desired_to_wire(wanted))
                    sent = wanted
                while info.name not in await follower.take():
                    pass

    def broken(self, info: NodeInfo) -> None:
        """Note that the connection ended without a goodbye."""
        self._registry.broken(info, "its connection closed")
