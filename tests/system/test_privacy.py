"""A prompt is seen by its client and its node, and by nobody else."""

import base64
import json
from pathlib import Path
from uuid import uuid4

import grpc
import pytest

from nearfield.client.client import Client
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position
from nearfield.core.rpc.channel import open_channel
from protos.nearfield.v1 import inference_pb2, inference_pb2_grpc
from tests.support.recorder import TappedDialer
from tests.support.whole_fleet import WholeFleet

pytestmark = pytest.mark.engine

BERLIN = Position(52.52, 13.41)


@pytest.fixture
def marker() -> str:
    """Text that stands nowhere else in the world."""
    return f"secret-{uuid4().hex}"


async def test_the_wire_to_the_control_plane_carries_no_prompt(
    fleet: WholeFleet, marker: str
) -> None:
    async with (
        TappedDialer(fleet.tls) as dialer,
        fleet.client(dialer=dialer) as client,
    ):
        await client.generate(f"Say {marker}.", near=BERLIN, max_tokens=2).text()
        await client.chat(f"Say {marker}.", near=BERLIN, max_tokens=2).text()
        assert marker.encode() in dialer.to_nodes
        assert len(dialer.to_control_plane) > 100
        assert marker.encode() not in dialer.to_control_plane


async def test_no_log_and_nothing_in_consul_shows_a_prompt(
    fleet: WholeFleet, client: Client, marker: str
) -> None:
    prompt = f"Say {marker}."
    await client.generate(prompt, near=BERLIN, max_tokens=2).text()
    with pytest.raises(InvalidRequest):
        await client.generate(prompt, near=BERLIN, temperature=-1).text()
    await _ask_gateway(fleet, prompt)
    logs = {path.name: path.read_text(errors="replace") for path in _logs(fleet)}
    assert {"control-plane.log", "nodes.log", "gateway.log", "consul.log"} <= logs.keys()
    assert [name for name, text in logs.items() if marker in text] == []
    assert marker not in _consul(fleet)


async def _ask_gateway(fleet: WholeFleet, prompt: str) -> None:
    async with open_channel(fleet.state.gateway, fleet.state.trust) as channel:
        stub = inference_pb2_grpc.InferenceStub(channel)
        assert [event async for event in stub.Generate(_request(prompt, "demo"))]
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Generate(_request(prompt, "unheard-of")).read()


def _request(prompt: str, model: str) -> inference_pb2.GenerateRequest:
    sampling = inference_pb2.Sampling(max_tokens=2)
    return inference_pb2.GenerateRequest(text=prompt, model=model, sampling=sampling)


def _logs(fleet: WholeFleet) -> list[Path]:
    return sorted(fleet.folder.parent.rglob("*.log"))


def _consul(fleet: WholeFleet) -> str:
    """Everything Consul holds of us, in the clear."""
    values = [
        base64.b64decode(pair["Value"] or "").decode()
        for pair in fleet.consul.get("/v1/kv/?recurse=true")
    ]
    assert any("directory" in value for value in values)
    health = fleet.consul.get("/v1/health/service/nearfield-node")
    assert len(health) == 2
    return "\n".join(
        (*values, json.dumps(health), json.dumps(fleet.consul.get("/v1/catalog/nodes")))
    )
