"""Answers of a whole fleet, as its clients see them."""

import grpc
import pytest

from nearfield.client.client import Client
from nearfield.core.geo import Position
from nearfield.core.node import Intake
from nearfield.core.rpc.channel import open_channel
from protos.nearfield.v1 import inference_pb2, inference_pb2_grpc, types_pb2
from tests.support.waiting import until_true
from tests.support.whole_fleet import WholeFleet

pytestmark = pytest.mark.engine

BERLIN, OSAKA = Position(52.52, 13.41), Position(34.69, 135.50)
QUESTION = "What is a prefix cache?"


@pytest.mark.parametrize(
    ("position", "pop"),
    [
        (BERLIN, "fra1"),
        (Position(38.72, -9.14), "fra1"),
        (Position(40.71, -74.01), "fra1"),
        (OSAKA, "nrt1"),
        (Position(-33.87, 151.21), "nrt1"),
        (Position(21.31, -157.86), "nrt1"),
    ],
)
async def test_a_client_is_served_by_the_pop_near_it(
    client: Client, position: Position, pop: str
) -> None:
    answer = client.generate(QUESTION, near=position, max_tokens=4, temperature=0)
    assert await answer.text()
    assert answer.provenance is not None
    assert answer.provenance.pop == pop
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4


async def test_both_nodes_give_the_same_greedy_answer(client: Client) -> None:
    texts = {
        await client.generate(QUESTION, near=where, max_tokens=16, temperature=0).text()
        for where in (BERLIN, OSAKA)
    }
    assert len(texts) == 1


async def test_a_second_request_within_the_lease_asks_the_control_plane_nothing(
    fleet: WholeFleet, client: Client
) -> None:
    before = await fleet.routes_answered()
    first = client.generate(QUESTION, near=BERLIN, max_tokens=2)
    await first.text()
    assert (client.routes_asked, await fleet.routes_answered()) == (1, before + 1)
    second = client.generate(QUESTION, near=BERLIN, max_tokens=2)
    await second.text()
    assert (client.routes_asked, await fleet.routes_answered()) == (1, before + 1)
    assert not first.split.warm
    assert second.split.warm


async def test_a_lease_that_led_to_a_closed_node_is_walked_to_the_next(
    fleet: WholeFleet,
) -> None:
    async with fleet.client_at(OSAKA) as client:
        await client.generate(QUESTION, near=OSAKA, max_tokens=2).text()
        desired, _ = await fleet.admin.set_intake("nrt1-1", Intake.CORDONED)
        await until_true(
            lambda: fleet.node("nrt1-1"), lambda view: view.applied_revision == desired.revision
        )
        answer = client.generate(QUESTION, near=OSAKA, max_tokens=2)
        await answer.text()
    assert answer.provenance is not None
    assert (answer.provenance.pop, answer.record.attempts) == ("fra1", 2)
    await fleet.admin.set_intake("nrt1-1", Intake.OPEN)
    await fleet.wait_for_work("nrt1-1")


@pytest.mark.parametrize("origin", [BERLIN, OSAKA])
async def test_the_gateway_answers_a_client_that_knows_grpc_alone(
    fleet: WholeFleet, origin: Position
) -> None:
    request = inference_pb2.GenerateRequest(
        text=QUESTION,
        sampling=inference_pb2.Sampling(max_tokens=4),
        origin=types_pb2.Position(latitude=origin.latitude, longitude=origin.longitude),
    )
    async with open_channel(fleet.state.gateway, fleet.state.trust) as channel:
        call = inference_pb2_grpc.InferenceStub(channel).Generate(request)
        assert dict(await call.initial_metadata()) == {"nearfield-admitted": "1"}
        events = [event async for event in call]
    # The gateway opens the stream, and from where it stands both nodes are near.
    assert events[0].delta.provenance.pop in {"fra1", "nrt1"}
    assert "".join(event.delta.text for event in events)
    assert events[-1].finished.usage.completion_tokens == 4


async def test_the_gateway_passes_a_typed_error_on(fleet: WholeFleet) -> None:
    request = inference_pb2.GenerateRequest(text=QUESTION, model="unheard-of")
    async with open_channel(fleet.state.gateway, fleet.state.trust) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await inference_pb2_grpc.InferenceStub(channel).Generate(request).read()
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
