"""One link to one control-plane replica, from Hello to its end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import grpc

from nearfield.core.errors import InternalError
from nearfield.core.node import Desired, NodeInfo, NodeLoad, NodeState
from nearfield.core.policy import DeclaredPrefix
from nearfield.core.protocol import VERSION, check_version
from nearfield.core.trust import Trust
from nearfield.core.wire.enums import NODE_STATES
from nearfield.core.wire.node import desired_from_wire, info_to_wire, load_to_wire
from nearfield.core.wire.policy import prefix_from_wire
from nearfield.core.wire.prefix import summary_to_wire
from nearfield.core.wire.trust import trust_from_wire
from node_agent.kv_cache.summary import Summaries
from protos.nearfield.v1 import fleet_pb2, fleet_pb2_grpc

_SNAPSHOT_REPORTS = 60
"""Reports between two whole summaries, by which a replica that lost count is right again."""
_CHANGE_SECONDS = 1.0
"""The most often that changing load is reported, where the interval is longer."""


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

    def hot_prefixes(self) -> Mapping[int, int]:
        """Return resident tokens by prefix key, for the keys worth a report."""

    def learn(self, replica: str, trust: Trust) -> None:
        """Take what the replica at an address says it takes to verify tickets."""

    def declare(self, prefixes: tuple[DeclaredPrefix, ...]) -> None:
        """Take the prefixes that are to be resident here."""

    @property
    def changes(self) -> int:
        """How often something worth a report has changed."""

    async def wait_for_change(self, seen: int, seconds: float) -> bool:
        """Return True once there are more changes than were seen, False after `seconds`."""


async def exchange(
    channel: grpc.aio.Channel,
    address: str,
    reporter: Reporter,
    join_token: str,
    apply: Callable[[Desired], Awaitable[None]],
    joined: Callable[[str], None],
    leaving: asyncio.Event,
) -> None:
    """Join, then report and follow until `leaving` is set or the link breaks.

    `address` is the replica's, under which its word on trust is kept. Raises
    grpc.aio.AioRpcError where it breaks or the replica refuses the node.
    """
    call = fleet_pb2_grpc.FleetStub(channel).Link()
    try:
        await call.write(fleet_pb2.NodeFrame(hello=_hello(reporter, join_token)))
        welcome = await _read(call)
        if welcome is None or not welcome.HasField("welcome"):
            raise InternalError("the control plane did not answer a Hello with a Welcome")
        check_version(welcome.welcome.protocol_version)
        reporter.learn(address, trust_from_wire(welcome.welcome.trust))
        joined(welcome.welcome.replica_id)
        interval = welcome.welcome.report_interval_seconds
        follow = asyncio.create_task(_follow(call, address, reporter, apply))
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


async def _follow(
    call: Any, address: str, reporter: Reporter, apply: Callable[[Desired], Awaitable[None]]
) -> None:
    while (frame := await _read(call)) is not None:
        match frame.WhichOneof("frame"):
            case "desired":
                await apply(desired_from_wire(frame.desired))
            case "trust":
                reporter.learn(address, trust_from_wire(frame.trust))
            case "declarations":
                reporter.declare(tuple(map(prefix_from_wire, frame.declarations.prefixes)))
            case _:
                pass  # a newer control plane's frame


async def _report(call: Any, reporter: Reporter, interval: float, leaving: asyncio.Event) -> None:
    summaries, load = Summaries(), None
    seq = 0
    while True:
        seen = reporter.changes
        before, load = load, reporter.load()
        await call.write(fleet_pb2.NodeFrame(report=_to_report(reporter, seq, load, before)))
        if seq % _SNAPSHOT_REPORTS == 0:
            summaries.reset()
        if (summary := summaries.next(reporter.hot_prefixes())) is not None:
            await call.write(fleet_pb2.NodeFrame(prefixes=summary_to_wire(summary)))
        if leaving.is_set():
            break
        seq += 1
        await _until_due(reporter, seen, load, interval)
    await call.write(fleet_pb2.NodeFrame(goodbye=fleet_pb2.Goodbye(reason="stopped")))
    await call.done_writing()
    await call.code()  # the replica has taken note


async def _until_due(reporter: Reporter, seen: int, reported: NodeLoad, interval: float) -> None:
    """Wait for the next report: the interval, or a second where the node's work has changed."""
    passed = 0.0
    while passed < interval:
        step = min(_CHANGE_SECONDS, interval - passed)
        if await reporter.wait_for_change(seen, step):
            return
        passed += step
        load = reporter.load()
        if (load.running, load.waiting) != (reported.running, reported.waiting):
            return


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


def _to_report(
    reporter: Reporter, seq: int, load: NodeLoad, before: NodeLoad | None
) -> fleet_pb2.Report:
    return fleet_pb2.Report(
        seq=seq,
        state=NODE_STATES[reporter.state],
        reason=reporter.reason,
        load=None if load == before else load_to_wire(load),
        applied_revision=reporter.applied_revision,
    )
