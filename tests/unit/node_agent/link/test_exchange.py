import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import grpc
import pytest

from nearfield.core.errors import InternalError, JoinTokenInvalid, ProtocolMismatch
from nearfield.core.node import Desired, Intake, NodeState
from nearfield.core.protocol import VERSION
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.wire.enums import NODE_STATES
from nearfield.core.wire.node import info_from_wire
from node_agent.link.exchange import exchange
from tests.support.node_builders import eventually
from tests.support.node_fleet import ScriptedFleet, StillNode, background, scripted_fleet


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
        async with open_channel(self.fleet.address) as channel:
            await exchange(
                channel, self.node, "secret", self.node.apply, self.joined.append, self.leaving
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
    fleet.interval = 0.01
    async with Side(fleet).linked():
        await eventually(lambda: len(fleet.reports) >= 4)
    assert [report.seq for report in fleet.reports[:4]] == [0, 1, 2, 3]


async def test_a_change_is_reported_at_once(fleet: ScriptedFleet) -> None:
    side = Side(fleet)
    async with side.linked():
        await eventually(lambda: fleet.reports)
        side.node.state, side.node.reason = NodeState.CORDONED, "disk swap"
        side.node.changed.set()
        await eventually(lambda: len(fleet.reports) == 2)
    assert fleet.reports[1].state == NODE_STATES[NodeState.CORDONED]
    assert fleet.reports[1].reason == "disk swap"


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
        side.node.changed.set()
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
