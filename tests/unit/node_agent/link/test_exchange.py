import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import grpc
import pytest

from nearfield.core.errors import InternalError, JoinTokenInvalid, ProtocolMismatch
from nearfield.core.node import Desired, Intake, NodeState
from nearfield.core.policy import DeclaredPrefix
from nearfield.core.protocol import VERSION
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.core.wire.enums import NODE_STATES
from nearfield.core.wire.node import info_from_wire
from nearfield.core.wire.policy import prefix_to_wire
from nearfield.core.wire.prefix import summary_from_wire
from nearfield.core.wire.trust import trust_to_wire
from node_agent.link.exchange import exchange
from protos.nearfield.v1 import fleet_pb2 as pb
from tests.support.node_builders import eventually
from tests.support.node_fleet import ScriptedFleet, StillNode, background, scripted_fleet
from tests.support.tickets import trust


@pytest.fixture
async def fleet() -> AsyncIterator[ScriptedFleet]:
    async with scripted_fleet() as running:
        yield running


class Side:
    """The node's side of one link."""

    def __init__(self, fleet: ScriptedFleet) -> None:
        self.fleet = fleet
        self.node = StillNode()
        self.joined: list[str] = []
        self.leaving = asyncio.Event()

    async def run(self) -> None:
        async with open_channel(self.fleet.address, PLAINTEXT) as channel:
            await exchange(
                channel,
                self.fleet.address,
                self.node,
                "secret",
                self.node.apply,
                self.joined.append,
                self.leaving,
            )

    def linked(self) -> AbstractAsyncContextManager["asyncio.Task[None]"]:
        return background(self.run)


async def test_a_node_says_who_it_is_and_then_how_it_fares(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    async with side.linked():
        await eventually(lambda: fleet.reports)
    (hello,) = fleet.hellos
    assert (hello.protocol_version, hello.join_token) == (VERSION, "secret")
    assert info_from_wire(hello.node) == side.node.info
    assert side.joined == ["replica-1"]
    assert fleet.reports[0].seq == 0
    assert fleet.reports[0].load.running == 3
    assert fleet.reports[0].state == NODE_STATES[NodeState.READY]


async def test_reports_come_at_the_pace_the_replica_asks_for(fleet: ScriptedFleet) -> None:
    fleet.interval = 0.25
    side = Side(fleet)
    async with side.linked():
        side.node.let_pass(3)
        await eventually(lambda: len(fleet.reports) == len(side.node.waits) == 4)
    assert side.node.waits == [0.25] * 4
    assert [report.seq for report in fleet.reports] == [0, 1, 2, 3]


async def test_a_stretched_interval_is_kept_while_the_nodes_work_stays_the_same(
    fleet: ScriptedFleet,
) -> None:
    fleet.interval = 2.5
    side = Side(fleet)
    async with side.linked():
        side.node.let_pass(2)
        await eventually(lambda: len(side.node.waits) == 3)
        side.node.now = replace(side.node.now, steps=7)
        side.node.let_pass()
        await eventually(lambda: len(side.node.waits) == 4)
    assert side.node.waits == [1.0, 1.0, 0.5, 1.0]
    assert len(fleet.reports) == 2


@pytest.mark.parametrize("counted", ["running", "waiting"])
async def test_changed_work_is_reported_after_a_second_of_a_stretched_interval(
    fleet: ScriptedFleet, counted: str
) -> None:
    fleet.interval = 3.0
    side = Side(fleet)
    async with side.linked():
        await eventually(lambda: side.node.waits)
        side.node.now = replace(side.node.now, **{counted: 5})
        side.node.let_pass()
        await eventually(lambda: len(fleet.reports) == 2)
    assert side.node.waits[0] == 1.0
    assert getattr(fleet.reports[1].load, counted) == 5


async def test_a_load_that_stayed_the_same_is_not_told_again(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    async with side.linked():
        side.node.change()
        await eventually(lambda: len(fleet.reports) == 2)
        side.node.now = replace(side.node.now, steps=7)
        side.node.change()
        await eventually(lambda: len(fleet.reports) == 3)
    assert [report.HasField("load") for report in fleet.reports] == [True, False, True]
    assert fleet.reports[2].load.steps == 7


async def test_a_change_is_reported_at_once(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    async with side.linked():
        await eventually(lambda: fleet.reports)
        side.node.state, side.node.reason = NodeState.CORDONED, "disk swap"
        side.node.change()
        await eventually(lambda: len(fleet.reports) == 2)
    assert fleet.reports[1].state == NODE_STATES[NodeState.CORDONED]
    assert fleet.reports[1].reason == "disk swap"


async def test_hot_prefixes_follow_the_report_whole_at_first_and_then_as_they_change(
    fleet: ScriptedFleet,
) -> None:
    side = Side(fleet)
    side.node.hot = {11: 64, 12: 128}
    async with side.linked():
        await eventually(lambda: fleet.summaries)
        side.node.change()  # with the same prefixes as before
        await eventually(lambda: len(fleet.reports) == 2)
        side.node.hot = {11: 64, 13: 32}
        side.node.change()
        await eventually(lambda: len(fleet.summaries) == 2)
    kinds = [frame.WhichOneof("frame") for frame in fleet.frames]
    assert kinds == ["hello", "report", "prefixes", "report", "report", "prefixes"]
    first, second = map(summary_from_wire, fleet.summaries)
    assert (first.seq, first.snapshot, first.entries) == (0, True, ((11, 64), (12, 128)))
    assert (second.epoch, second.seq, second.snapshot) == (first.epoch, 1, False)
    assert second.entries == ((12, 0), (13, 32))


async def test_a_new_link_is_told_the_whole_picture_again(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    side.node.hot = {11: 64}
    for links in (1, 2):
        async with side.linked():
            await eventually(lambda links=links: len(fleet.summaries) == links)
    first, second = fleet.summaries
    assert first.snapshot
    assert second.snapshot
    assert first.epoch != second.epoch


async def test_a_replicas_word_on_trust_is_kept_under_its_address(fleet: ScriptedFleet) -> None:
    fleet.trust = trust(60.0, 1)
    side = Side(fleet)
    async with side.linked():
        await eventually(lambda: fleet.reports)
        assert side.node.learnt == [(fleet.address, trust(60.0, 1))]
        await fleet.send(pb.PlaneFrame(trust=trust_to_wire(trust(90.0, 2))))
        await eventually(lambda: len(side.node.learnt) == 2)
    assert side.node.learnt[1] == (fleet.address, trust(90.0, 2))


async def test_what_is_declared_reaches_the_node_in_its_order(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    declared = [
        DeclaredPrefix("terms", "qwen3-8b", "all of it", tenant="acme"),
        DeclaredPrefix("manual", "qwen3-8b", "be brief", group="g", pops=("fra1",), system=True),
    ]
    frame = pb.Declarations(revision=3, prefixes=map(prefix_to_wire, declared))
    async with side.linked():
        await eventually(lambda: fleet.reports)
        await fleet.send(pb.PlaneFrame(declarations=frame))
        await eventually(lambda: side.node.declared)
    assert side.node.declared == [tuple(declared)]


async def test_a_frame_of_a_later_version_is_passed_over(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    async with side.linked():
        await eventually(lambda: fleet.reports)
        await fleet.send(pb.PlaneFrame())
        await fleet.push(Desired(7))
        await eventually(lambda: side.node.applied)


async def test_a_desired_state_is_applied_and_its_revision_reported(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    wanted = Desired(7, Intake.CORDONED, 2, "disk swap", "dir")
    async with side.linked():
        await eventually(lambda: fleet.reports)
        await fleet.push(wanted)
        await eventually(lambda: fleet.reports[-1].applied_revision == 7)
    assert side.node.applied == [wanted]


async def test_a_leaving_node_reports_once_more_and_says_goodbye(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    async with side.linked() as link:
        await eventually(lambda: fleet.reports)
        side.node.state = NodeState.DRAINED
        side.leaving.set()
        side.node.change()
        await asyncio.wait_for(link, 30)
    assert fleet.reports[-1].state == NODE_STATES[NodeState.DRAINED]
    assert [goodbye.reason for goodbye in fleet.goodbyes] == ["stopped"]
    assert fleet.frames[-1].HasField("goodbye")


async def test_a_refusal_arrives_as_the_typed_error_it_was(fleet: ScriptedFleet) -> None:
    fleet.refusal = JoinTokenInvalid("no", field="join_token", limit="the fleet's")
    side = Side(fleet)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await side.run()
    error = from_rpc_error(caught.value)
    assert isinstance(error, JoinTokenInvalid)
    assert error.field == "join_token"
    assert side.joined == []


async def test_a_replica_of_another_protocol_is_refused(fleet: ScriptedFleet) -> None:
    fleet.version = VERSION + 1
    side = Side(fleet)
    with pytest.raises(ProtocolMismatch):
        await side.run()
    assert side.joined == []


async def test_a_replica_that_hangs_up_instead_of_a_welcome_is_at_fault(
    fleet: ScriptedFleet,
) -> None:
    fleet.silent = True
    with pytest.raises(InternalError, match="Welcome"):
        await Side(fleet).run()


async def test_a_link_ended_in_good_order_ends_the_exchange(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    async with side.linked() as link:
        await eventually(lambda: fleet.reports)
        fleet.cut()
        await asyncio.wait_for(link, 30)
    assert side.joined == ["replica-1"]


async def test_a_break_of_the_connection_ends_the_exchange(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    async with side.linked() as link:
        await eventually(lambda: fleet.reports)
        await fleet.server.grpc.stop(0)
        with pytest.raises(grpc.aio.AioRpcError):
            await asyncio.wait_for(link, 30)


async def test_an_error_in_applying_ends_the_exchange(fleet: ScriptedFleet) -> None:
    side = Side(fleet)

    async def fail(_: Desired) -> None:
        raise RuntimeError("cannot")

    side.node.apply = fail  # type: ignore[method-assign]
    async with side.linked() as link:
        await eventually(lambda: fleet.reports)
        await fleet.push(Desired(1))
        with pytest.raises(RuntimeError, match="cannot"):
            await asyncio.wait_for(link, 30)
