"""What each port of a real replica serves, and how it answers what is wrong."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from nearfield.client.admin import AdminClient
from nearfield.client.client import Client
from nearfield.core.errors import (
    InvalidRequest,
    NoCandidate,
    ProtocolMismatch,
    UnknownModel,
    UnknownNode,
    Unsupported,
)
from nearfield.core.geo import Position
from nearfield.core.node import NodeState
from nearfield.core.protocol import VERSION
from nearfield.core.route import RouteQuery
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.core.wire.enums import NODE_STATES
from protos.nearfield.v1 import admin_pb2, admin_pb2_grpc, routing_pb2
from tests.support.plane_builders import hello
from tests.support.records import MODEL, node_info
from tests.support.running_plane import RunningPlane

TOKYO = Position(35.68, 139.69)


@pytest.fixture
async def client(plane: RunningPlane) -> AsyncIterator[Client]:
    async with Client(plane.public, security=PLAINTEXT) as client:
        yield client


async def _route_error(plane: RunningPlane, **fields: Any) -> Any:
    """What `Route` answers to a request that a client of ours would not send."""
    request = routing_pb2.RouteRequest(**{"protocol_version": VERSION, **fields})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plane.routing.Route(request)
    return from_rpc_error(caught.value)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300, 60.001, -0.001])
async def test_a_round_trip_that_is_none_is_refused(plane: RunningPlane, seconds: float) -> None:
    await plane.link().join()
    measured = routing_pb2.MeasuredRoundTrip(node="fra1-a", seconds=seconds)
    error = await _route_error(plane, round_trips=[measured])
    assert isinstance(error, InvalidRequest)
    assert (error.field, error.limit) == ("round_trips", "0 to 60")


@pytest.mark.parametrize("version", [0, 99])
async def test_a_client_of_another_protocol_is_refused(plane: RunningPlane, version: int) -> None:
    error = await _route_error(plane, protocol_version=version)
    assert isinstance(error, ProtocolMismatch)
    assert error.field == "protocol_version"


async def test_bytes_that_are_no_request_fail_that_call_alone(plane: RunningPlane) -> None:
    call = plane.channel.unary_unary("/nearfield.v1.Routing/Route")
    with pytest.raises(grpc.aio.AioRpcError):
        await call(b"\xff" * 64)
    await plane.link().join()
    request = routing_pb2.RouteRequest(protocol_version=VERSION)
    assert (await plane.routing.Route(request)).model == MODEL.name


async def test_routing_over_the_wire_ranks_who_has_joined(
    plane: RunningPlane, client: Client
) -> None:
    await plane.link().join()
    await plane.link().join(hello(node_info("nrt1-a", pop="nrt1", position=TOKYO)))
    explanation = await client.explain(RouteQuery("", TOKYO))
    assert [node.candidate.node for node in explanation.nodes] == ["nrt1-a", "fra1-a"]
    lease = await client.route(RouteQuery("", TOKYO))
    assert lease.model == MODEL.name
    assert [candidate.node for candidate in lease.candidates] == ["nrt1-a", "fra1-a"]


async def test_what_cannot_be_routed_is_a_typed_error(plane: RunningPlane, client: Client) -> None:
    with pytest.raises(NoCandidate):
        await client.route(RouteQuery(""))
    cordoned = hello(state=NODE_STATES[NodeState.CORDONED])
    await plane.link().join(cordoned)
    with pytest.raises(UnknownModel):
        await client.route(RouteQuery("other"))
    with pytest.raises(NoCandidate) as caught:
        await client.route(RouteQuery(""))
    assert (caught.value.field, caught.value.limit) == ("state", "state: 1")
    assert caught.value.retry_after == 1.0


async def test_models_are_listed_with_who_takes_work(plane: RunningPlane) -> None:
    await plane.link().join()
    drained = hello(node_info("nrt1-a"), state=NODE_STATES[NodeState.DRAINED])
    await plane.link().join(drained)
    (model,) = await plane.admin.models()
    assert (model.name, model.digest) == (MODEL.name, MODEL.digest)
    assert (model.nodes, model.takes_work) == (("fra1-a", "nrt1-a"), ("fra1-a",))


async def test_admin_is_not_served_to_clients_and_nodes(plane: RunningPlane) -> None:
    async with AdminClient(plane.public, PLAINTEXT) as stranger:
        with pytest.raises(Unsupported):
            await stranger.nodes()


async def test_routing_and_joining_are_not_served_to_operators(plane: RunningPlane) -> None:
    async with Client(plane.operators, security=PLAINTEXT) as stranger:
        with pytest.raises(Unsupported):
            await stranger.route(RouteQuery(""))


async def test_a_wish_for_an_unknown_node_is_refused(plane: RunningPlane) -> None:
    with pytest.raises(UnknownNode):
        await plane.admin.clear_prefix_cache("nobody")


@pytest.mark.parametrize("intake", [0, 77])
async def test_a_wish_that_does_not_exist_is_refused(plane: RunningPlane, intake: int) -> None:
    await plane.link().join()
    async with open_channel(plane.operators, PLAINTEXT) as channel:
        request = admin_pb2.SetIntakeRequest(name="fra1-a", intake=intake)  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await admin_pb2_grpc.AdminStub(channel).SetIntake(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (await plane.admin.node("fra1-a")).desired.revision == 0


@pytest.mark.parametrize("interval", [-1.0, 0.01, 1e9, float("nan")])
async def test_watching_at_a_pace_that_is_none_is_refused(
    plane: RunningPlane, interval: float
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await anext(plane.admin.watch(interval))
    assert caught.value.field == "interval_seconds"


@pytest.mark.parametrize(
    ("port", "services"),
    [
        ("public", {"nearfield.v1.Routing", "nearfield.v1.Fleet"}),
        ("operators", {"nearfield.v1.Admin"}),
    ],
)
async def test_each_port_tells_its_services_and_their_health(
    plane: RunningPlane, port: str, services: set[str]
) -> None:
    async with open_channel(getattr(plane, port), PLAINTEXT) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", *services):
            reply = await health.Check(health_pb2.HealthCheckRequest(service=service))
            assert reply.status == health_pb2.HealthCheckResponse.SERVING
        listed = await _listed(channel)
    assert {name for name in listed if name.startswith("nearfield")} == services
    assert "grpc.health.v1.Health" in listed


async def _listed(channel: grpc.aio.Channel) -> set[str]:
    call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    reply = await call.read()
    await call.done_writing()
    return {service.name for service in reply.list_services_response.service}
