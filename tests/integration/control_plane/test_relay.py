"""Whole nodes behind a real relay: it makes no difference to them, nor to who routes to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from control_plane.relay.bootstrap import run_relay
from control_plane.relay.settings import RelaySettings
from nearfield.client.client import Client
from nearfield.core.errors import JoinTokenInvalid
from nearfield.core.geo import Position
from nearfield.core.node import Intake, NodeState
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.local.ports import HOST, free_ports
from node_agent.engine.simulated import SimulatedEngine
from tests.support.plane_builders import hello
from tests.support.records import node_info
from tests.support.running_node import joining_settings, run_node, running_node
from tests.support.running_plane import NodeLink, RunningPlane, running_plane
from tests.support.waiting import until

BERLIN, OSAKA = Position(52.52, 13.41), Position(34.69, 135.50)
BOTH = {"fra1-1": "alive", "nrt1-1": "alive"}


@pytest.fixture
async def plane() -> AsyncIterator[RunningPlane]:
    """A replica under the real clock: nodes report by it."""
    async with running_plane(anonymous="anyone") as running:
        yield running


@asynccontextmanager
async def _relaying(control_plane: str, address: str) -> AsyncIterator[None]:
    """Run a relay until the block ends."""
    settings = RelaySettings.build(
        {"listen": address, "control_plane": control_plane, "tls": {"plaintext": True}}
    )
    stop = asyncio.Event()
    run = asyncio.create_task(run_relay(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await run


@pytest.fixture
def address() -> str:
    """Where the relay listens."""
    return f"{HOST}:{free_ports(1)[0]}"


@pytest.fixture
async def relay(plane: RunningPlane, address: str) -> AsyncIterator[str]:
    async with _relaying(plane.public, address):
        yield address


@pytest.fixture
async def nodes(plane: RunningPlane, relay: str) -> AsyncIterator[None]:
    """A node in Frankfurt and one in Tokyo that know the relay alone."""
    async with running_node(relay, "fra1"), running_node(relay, "nrt1"):
        await until(lambda: _taking_work(plane), set(BOTH))
        yield


async def _taking_work(plane: RunningPlane) -> set[str]:
    return {view.info.name for view in await plane.admin.nodes() if view.takes_work}


async def _state(plane: RunningPlane, name: str) -> tuple[NodeState, int]:
    view = await plane.admin.node(name)
    return view.state, view.applied_revision


@pytest.mark.parametrize(("near", "pop"), [(BERLIN, "fra1"), (OSAKA, "nrt1")])
async def test_nodes_behind_a_relay_are_routed_to(
    plane: RunningPlane, nodes: None, near: Position, pop: str
) -> None:
    async with Client(plane.public, security=PLAINTEXT) as client:
        answer = client.generate("abc", near=near)
        assert await answer.text() == "abc"
    assert answer.provenance is not None
    assert answer.provenance.pop == pop


async def test_a_node_behind_a_relay_drains_as_is_desired_of_it_and_the_other_does_not(
    plane: RunningPlane, nodes: None
) -> None:
    await plane.admin.set_intake("fra1-1", Intake.DRAINED)
    await until(lambda: _state(plane, "fra1-1"), (NodeState.DRAINED, 1))
    assert await _state(plane, "nrt1-1") == (NodeState.READY, 0)


async def test_a_node_that_leaves_says_goodbye_through_the_relay(
    plane: RunningPlane, relay: str
) -> None:
    async with running_node(relay, "nrt1"):
        async with running_node(relay, "fra1"):
            await until(plane.healths, BOTH)
        await until(plane.healths, {"nrt1-1": "alive"})


async def test_one_nodes_cut_is_seen_and_the_others_stay(plane: RunningPlane, relay: str) -> None:
    async with open_channel(relay, PLAINTEXT) as channel:
        cut, kept = NodeLink(channel), NodeLink(channel)
        await cut.join(hello(node_info("fra1-a")))
        await kept.join(hello(node_info("fra1-b")))
        cut.cut()
        await until(plane.healths, {"fra1-a": "lost", "fra1-b": "alive"})
        assert (await plane.admin.node("fra1-a")).reason == "its connection closed"


async def test_a_relays_end_is_the_end_of_its_links_and_with_a_new_one_nodes_come_back(
    plane: RunningPlane, address: str
) -> None:
    async with AsyncExitStack() as nodes:
        async with _relaying(plane.public, address):
            await nodes.enter_async_context(running_node(address, "fra1"))
            await nodes.enter_async_context(running_node(address, "nrt1"))
            await until(plane.healths, BOTH)
        await until(plane.healths, dict.fromkeys(BOTH, "lost"))
        async with _relaying(plane.public, address):
            await until(plane.healths, BOTH)
            await nodes.aclose()


async def test_a_replica_that_starts_anew_finds_the_nodes_behind_its_relay(address: str) -> None:
    public = f"{HOST}:{free_ports(1)[0]}"
    async with AsyncExitStack() as nodes, _relaying(public, address):
        async with running_plane(listen=public) as first:
            await nodes.enter_async_context(running_node(address, "fra1"))
            await nodes.enter_async_context(running_node(address, "nrt1"))
            await until(first.healths, BOTH)
        async with running_plane(listen=public) as second:
            await until(second.healths, BOTH)
            await nodes.aclose()


async def test_a_refused_join_is_the_same_typed_error_through_a_relay(
    plane: RunningPlane, relay: str
) -> None:
    settings = joining_settings(relay, join_token="wrong")
    with pytest.raises(JoinTokenInvalid) as refused:
        await run_node(settings, SimulatedEngine(), asyncio.Event())
    assert refused.value.field == "join_token"
    assert await plane.healths() == {}
