import asyncio
from collections.abc import AsyncIterator

import pytest

from nearfield.core.errors import JoinTokenInvalid, NameTaken, ProtocolMismatch
from nearfield.core.retry import Backoff
from nearfield.core.rpc.tls import PLAINTEXT
from node_agent.link.loop import Link
from protos.nearfield.v1 import fleet_pb2 as pb
from protos.nearfield.v1 import types_pb2
from tests.support.node_builders import eventually
from tests.support.node_fleet import ScriptedFleet, StillNode, background, scripted_fleet

QUICK = Backoff(first=0.001, most=0.01)


@pytest.fixture
async def fleet() -> AsyncIterator[ScriptedFleet]:
    async with scripted_fleet() as running:
        yield running


def link_to(address: str, node: StillNode) -> Link:
    return Link(address, node, "secret", node.apply, PLAINTEXT, QUICK)


async def test_a_link_that_ends_is_made_again(fleet: ScriptedFleet) -> None:
    link = link_to(fleet.address, StillNode())
    async with background(lambda: link.run(asyncio.Event())):
        for count in (1, 2, 3):
            await eventually(lambda count=count: len(fleet.hellos) == len(fleet.reports) == count)
            fleet.cut()


async def test_a_first_join_that_is_refused_ends_the_node(fleet: ScriptedFleet) -> None:
    fleet.refusal = JoinTokenInvalid("no")
    with pytest.raises(JoinTokenInvalid):
        await link_to(fleet.address, StillNode()).run(asyncio.Event())
    assert fleet.links == 1


async def test_a_node_that_had_joined_goes_on_alone_when_refused(fleet: ScriptedFleet) -> None:
    link = link_to(fleet.address, StillNode())
    async with background(lambda: link.run(asyncio.Event())) as running:
        await eventually(lambda: fleet.reports)
        fleet.refusal = NameTaken("taken")
        fleet.cut()
        await eventually(lambda: fleet.links >= 3)
        assert not running.done()
        fleet.refusal = None
        await eventually(lambda: len(fleet.reports) >= 2)


async def test_a_first_join_of_another_protocol_ends_the_node(fleet: ScriptedFleet) -> None:
    fleet.version += 1
    with pytest.raises(ProtocolMismatch):
        await link_to(fleet.address, StillNode()).run(asyncio.Event())


async def test_a_replica_that_says_what_cannot_be_is_left_and_joined_anew(
    fleet: ScriptedFleet, caplog: pytest.LogCaptureFixture
) -> None:
    link = link_to(fleet.address, StillNode())
    nameless = pb.Declarations(prefixes=[types_pb2.DeclaredPrefix(text="x")])
    async with background(lambda: link.run(asyncio.Event())) as running:
        await eventually(lambda: fleet.reports)
        await fleet.send(pb.PlaneFrame(declarations=nameless))
        await eventually(lambda: len(fleet.reports) == 2)
        assert not running.done()
    assert "prefix.name" in caplog.text


async def test_a_replica_that_gives_no_welcome_is_tried_until_it_does(
    fleet: ScriptedFleet,
) -> None:
    fleet.silent = True
    link = link_to(fleet.address, StillNode())
    async with background(lambda: link.run(asyncio.Event())):
        await eventually(lambda: fleet.links >= 2)
        fleet.silent = False
        await eventually(lambda: fleet.reports)


async def test_a_replica_that_is_not_there_is_tried_until_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with scripted_fleet() as gone:
        address = gone.address
    link, leaving = link_to(address, StillNode()), asyncio.Event()
    async with background(lambda: link.run(leaving)) as running:
        await eventually(lambda: caplog.text.count(f"no link to {address}") >= 2)
        leaving.set()
        await asyncio.wait_for(running, 30)


async def test_a_leaving_node_does_not_join_again(fleet: ScriptedFleet) -> None:
    node, leaving = StillNode(), asyncio.Event()
    link = link_to(fleet.address, node)
    async with background(lambda: link.run(leaving)) as running:
        await eventually(lambda: fleet.reports)
        leaving.set()
        node.change()
        await asyncio.wait_for(running, 30)
    assert fleet.links == 1
    assert len(fleet.goodbyes) == 1


async def test_a_long_pause_ends_when_the_node_leaves(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted_fleet() as gone:
        address = gone.address
    node, leaving = StillNode(), asyncio.Event()
    link = Link(address, node, "", node.apply, PLAINTEXT, Backoff(first=3600, most=3600))
    async with background(lambda: link.run(leaving)) as running:
        await eventually(lambda: f"no link to {address}" in caplog.text)
        leaving.set()
        await asyncio.wait_for(running, 30)
