"""One link to one control-plane replica, from Hello to its end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import grpc

from nearfield.core.errors import InternalError
from nearfield.core.node import Desired, NodeInfo, NodeLoad, NodeState
from nearfield.core.protocol import VERSION, check_version
from nearfield.core.wire.enums import NODE_STATES
from nearfield.core.wire.node import desired_from_wire, info_to_wire, load_to_wire
from protos.nearfield.v1 import fleet_pb2, fleet_pb2_grpc


class Reporter(Protocol):
    """The node as a link sees it."""

    @property
    def info(self) -> NodeInfo:
        """Who it is."""

    @property
    def state(self) -> NodeState:
        """Whether it takes work."""

    @property
    def reason(self) -> str:
        """Why it is in that state."""

    @property
    def applied_revision(self) -> int:
        """Of its desired state."""

    def load(self) -> NodeLoad:
        """Read its load."""

    async def wait_for_change(self, seconds: float) -> None:
        """Return when something worth a report changed, or after `seconds`."""


async def exchange(
    channel: grpc.aio.Channel,
    reporter: Reporter,
    join_token: str,
    apply: Callable[[Desired], Awaitable[None]],
    joined: Callable[[str], None],
    leaving: asyncio.Event,
) -> None:
    """Join, then report and follow until `leaving` is set or the link breaks.

    Raises grpc.aio.AioRpcError where it breaks or the replica refuses the node.
    """
    call = fleet_pb2_grpc.FleetStub(channel).Link()
    try:
        await call.write(fleet_pb2.NodeFrame(hello=_hello(reporter, join_token)))
        welcome = await _read(call)
        if welcome is None or not welcome.HasField("welcome"):
            raise InternalError("the control plane did not answer a Hello with a Welcome")
        check_version(welcome.welcome.protocol_version)
        joined(welcome.welcome.replica_id)
        interval = welcome.welcome.report_interval_seconds
        follow = asyncio.create_task(_follow(call, apply))
        report = asyncio.create_task(_report(call, reporter, interval, leaving))
        try:
            await _first_to_end(follow, report)
        finally:
            follow.cancel()
            report.cancel()
            await asyncio.gather(follow, report, return_exceptions=True)
    finally:
        call.cancel()


async def _first_to_end(*tasks: "asyncio.Task[None]") -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _follow(call: Any, apply: Callable[[Desired], Awaitable[None]]) -> None:
    while (frame := await _read(call)) is not None:
        if frame.HasField("desired"):
            await apply(desired_from_wire(frame.desired))


async def _report(call: Any, reporter: Reporter, interval: float, leaving: asyncio.Event) -> None:
    seq = 0
    while True:
        await call.write(fleet_pb2.NodeFrame(report=_to_report(reporter, seq)))
        if leaving.is_set():
            break
        seq += 1
        await reporter.wait_for_change(interval)
    await call.write(fleet_pb2.NodeFrame(goodbye=fleet_pb2.Goodbye(reason="stopped")))
    await call.done_writing()
    await call.code()  # the replica has taken note


async def _read(call: Any) -> fleet_pb2.PlaneFrame | None:
    frame = await call.read()
    if isinstance(frame, fleet_pb2.PlaneFrame):
        return frame
    code = await call.code()
    if code is not grpc.StatusCode.OK:
        raise grpc.aio.AioRpcError(
            code,
            await call.initial_metadata(),
            await call.trailing_metadata(),
            details=await call.details(),
        )
    return None


def _hello(reporter: Reporter, join_token: str) -> fleet_pb2.Hello:
    return fleet_pb2.Hello(
        protocol_version=VERSION,
        join_token=join_token,
        node=info_to_wire(reporter.info),
        state=NODE_STATES[reporter.state],
        applied_revision=reporter.applied_revision,
    )


def _to_report(reporter: Reporter, seq: int) -> fleet_pb2.Report:
    return fleet_pb2.Report(
        seq=seq,
        state=NODE_STATES[reporter.state],
        reason=reporter.reason,
        load=load_to_wire(reporter.load()),
        applied_revision=reporter.applied_revision,
    )
