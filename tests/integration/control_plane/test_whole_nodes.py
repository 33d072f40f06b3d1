"""Whole nodes, their engines simulated, at a real replica: from joining to leaving."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from control_plane.gateway.bootstrap import build_gateway
from control_plane.gateway.settings import GatewaySettings
from nearfield.client.client import Client
from nearfield.core.errors import EngineDied, JoinTokenInvalid, NoCandidate
from nearfield.core.geo import Position
from nearfield.core.node import Intake, NodeState
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.core.settings import TelemetrySettings
from nearfield.core.telemetry import Telemetry
from nearfield.local.ports import HOST, free_ports
from node_agent.engine.simulated import SimulatedEngine
from protos.nearfield.v1 import inference_pb2, inference_pb2_grpc, types_pb2
from tests.support.running_node import joining_settings, run_node, running_node
from tests.support.running_plane import RunningPlane, running_plane
from tests.support.waiting import until

BERLIN, OSAKA = Position(52.52, 13.41), Position(34.69, 135.50)


@pytest.fixture
async def plane() -> AsyncIterator[RunningPlane]:
    """A replica under the real clock: nodes report by it."""
    async with running_plane() as running:
        yield running


@pytest.fixture
async def nodes(plane: RunningPlane) -> AsyncIterator[None]:
    """A node in Frankfurt and one in Tokyo, both joined."""
    async with running_node(plane.public, "fra1"), running_node(plane.public, "nrt1"):
        await until(plane.healths, {"fra1-1": "alive", "nrt1-1": "alive"})
        yield


async def _state(plane: RunningPlane, name: str) -> tuple[NodeState, int]:
    view = await plane.admin.node(name)
    return view.state, view.applied_revision


@pytest.mark.parametrize(("near", "pop"), [(BERLIN, "fra1"), (OSAKA, "nrt1")])
async def test_a_client_is_answered_by_the_node_near_it(
    plane: RunningPlane, nodes: None, near: Position, pop: str
) -> None:
    async with Client(plane.public, security=PLAINTEXT) as client:
        answer = client.generate("abc", near=near)
        assert await answer.text() == "abc"
    assert answer.provenance is not None
    assert answer.provenance.pop == pop


async def test_a_node_applies_what_is_asked_of_it_and_says_so(
    plane: RunningPlane, nodes: None
) -> None:
    for revision, (intake, state) in enumerate(
        [
            (Intake.CORDONED, NodeState.CORDONED),
            (Intake.DRAINED, NodeState.DRAINED),
            (Intake.OPEN, NodeState.READY),
        ],
        start=1,
    ):
        await plane.admin.set_intake("fra1-1", intake)
        await until(lambda: _state(plane, "fra1-1"), (state, revision))
    assert await _state(plane, "nrt1-1") == (NodeState.READY, 0)


async def test_a_drained_nodes_clients_go_to_the_next_and_back_once_it_is_open(
    plane: RunningPlane, nodes: None
) -> None:
    async def served_by() -> str:
        async with Client(plane.public, security=PLAINTEXT) as client:
            answer = client.generate("abc", near=BERLIN)
            await answer.text()
        assert answer.provenance is not None
        return answer.provenance.node

    await plane.admin.set_intake("fra1-1", Intake.DRAINED)
    await until(served_by, "nrt1-1")
    await plane.admin.set_intake("fra1-1", Intake.OPEN)
    await until(served_by, "fra1-1")


async def test_a_node_that_is_stopped_says_goodbye(plane: RunningPlane) -> None:
    async with running_node(plane.public):
        await until(plane.healths, {"fra1-1": "alive"})
    await until(plane.healths, {})
    async with Client(plane.public, security=PLAINTEXT) as client:
        with pytest.raises(NoCandidate):
            await client.generate("abc").text()


async def test_a_node_with_another_token_gives_up(plane: RunningPlane) -> None:
    settings = joining_settings(plane.public, join_token="wrong")
    with pytest.raises(JoinTokenInvalid):
        await run_node(settings, SimulatedEngine(), asyncio.Event())
    assert await plane.healths() == {}


async def test_a_node_whose_engine_dies_is_no_candidate_any_more(plane: RunningPlane) -> None:
    engine = SimulatedEngine()
    async with running_node(plane.public, engine=engine) as run:
        await until(plane.healths, {"fra1-1": "alive"})
        engine.die()
        with pytest.raises(EngineDied):
            await run
    async with Client(plane.public, security=PLAINTEXT) as client:
        with pytest.raises(NoCandidate):
            await client.generate("abc").text()


async def test_a_replica_that_starts_anew_finds_its_nodes_and_what_was_asked_of_them(
    tmp_path: Path,
) -> None:
    port = free_ports(1)[0]
    kept = {"listen": f"{HOST}:{port}", "directory": {"file": tmp_path / "directory.json"}}
    async with AsyncExitStack() as first_life, AsyncExitStack() as node:
        first = await first_life.enter_async_context(running_plane(**kept))
        await node.enter_async_context(running_node(first.public))
        await until(first.healths, {"fra1-1": "alive"})
        await first.admin.set_intake("fra1-1", Intake.CORDONED)
        await until(lambda: _state(first, "fra1-1"), (NodeState.CORDONED, 1))
        await first_life.aclose()
        async with running_plane(**kept) as second:
            await until(second.healths, {"fra1-1": "alive"})
            await until(lambda: _state(second, "fra1-1"), (NodeState.CORDONED, 1))
            assert (await second.admin.node("fra1-1")).desired.intake is Intake.CORDONED
            await node.aclose()


async def test_a_gateway_answers_from_the_node_near_its_own_place(
    plane: RunningPlane, nodes: None
) -> None:
    settings = GatewaySettings.build(
        {
            "listen": f"{HOST}:0",
            "control_plane": plane.public,
            "position": "34.69,135.50",
            "tls": {"plaintext": True},
        }
    )
    request = inference_pb2.GenerateRequest(
        text="abc", origin=types_pb2.Position(latitude=52.52, longitude=13.41)
    )
    with Telemetry(TelemetrySettings(), {}) as telemetry:
        async with (
            Client(plane.public, security=PLAINTEXT) as client,
            build_gateway(settings, client, telemetry) as gateway,
            grpc.aio.insecure_channel(f"{HOST}:{gateway.port}") as channel,
        ):
            stub = inference_pb2_grpc.InferenceStub(channel)
            events = [event async for event in stub.Generate(request)]
    assert events[0].delta.provenance.pop == "nrt1"
    assert "".join(event.delta.text for event in events) == "abc"
