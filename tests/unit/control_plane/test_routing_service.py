"""The Routing service over a real connection."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from control_plane.api.routing import SERVICE, RoutingService
from control_plane.fleet.registry import Registry
from control_plane.routing.map import RoutingMap
from control_plane.telemetry import PlaneTelemetry
from nearfield.core.constraints import Constraints
from nearfield.core.errors import NearfieldError, NoCandidate, TenantUnknown, UnknownModel
from nearfield.core.node import NodeState
from nearfield.core.protocol import VERSION
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import Plaintext
from nearfield.core.settings import TelemetrySettings
from nearfield.core.telemetry import Telemetry
from protos.nearfield.v1 import routing_pb2 as pb
from protos.nearfield.v1 import routing_pb2_grpc
from tests.support.records import MODEL, node_info
from tests.support.routing_builders import router_of

TOKEN = "a-tenants-token"


class Issuer:
    """Knows one tenant; writes into a ticket what it was asked for."""

    def issue(
        self, token: str, model: str, constraints: Constraints, epoch: int
    ) -> tuple[str, float]:
        if token != TOKEN:
            raise TenantUnknown("no tenant has this token", field="tenant_token")
        return f"{model}/{','.join(constraints.jurisdictions)}/{epoch}", 900.0


class Demand:
    """Remembers what was asked for."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str, int]] = []

    def note(self, model: str, pop: str, requests: int = 1) -> None:
        self.noted.append((model, pop, requests))


@pytest.fixture
def demand() -> Demand:
    return Demand()


@pytest.fixture
async def stub(demand: Demand) -> AsyncIterator[Any]:
    """A served fleet of one node in Frankfurt, asked over loopback."""
    registry, fleet = Registry(), RoutingMap()
    registry.observe(fleet)
    registry.join(node_info(), NodeState.READY)
    telemetry = PlaneTelemetry(Telemetry(TelemetrySettings(), {}), registry)
    service = RoutingService(router_of(fleet=fleet), Issuer(), demand, telemetry, lambda: 7)
    server = RpcServer("127.0.0.1:0", (SERVICE,), Plaintext())
    routing_pb2_grpc.add_RoutingServicer_to_server(service, server.grpc)
    async with server, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield routing_pb2_grpc.RoutingStub(channel)


def _request(**fields: Any) -> pb.RouteRequest:
    return pb.RouteRequest(**{"protocol_version": VERSION, "tenant_token": TOKEN, **fields})


async def _error(call: Any) -> NearfieldError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def test_a_lease_carries_a_ticket_for_the_model_that_was_meant(stub: Any) -> None:
    wanted = {"jurisdictions": ["eu"]}
    lease = await stub.Route(_request(constraints=wanted))
    assert (lease.ticket, lease.ticket_ttl_seconds) == (f"{MODEL.name}/eu/7", 900.0)
    assert [one.node for one in lease.candidates] == [node_info().name]


@pytest.mark.parametrize("method", ["Route", "Explain"])
@pytest.mark.parametrize(
    "fields", [{}, {"model": "guessed"}, {"constraints": {"providers": ["x"]}}]
)
async def test_a_stranger_learns_nothing_but_that_it_is_one(
    stub: Any, demand: Demand, method: str, fields: dict[str, Any]
) -> None:
    error = await _error(getattr(stub, method)(_request(tenant_token="guess", **fields)))
    assert isinstance(error, TenantUnknown)
    assert demand.noted == []


async def test_a_tenant_is_told_which_models_there_are(stub: Any) -> None:
    error = await _error(stub.Route(_request(model="guessed")))
    assert isinstance(error, UnknownModel)
    assert error.limit == MODEL.name


async def test_demand_is_noted_where_the_nearest_pop_is(stub: Any, demand: Demand) -> None:
    await stub.Route(_request())
    assert demand.noted == [(MODEL.name, "fra1", 1)]


async def test_the_answers_of_a_lease_are_demand_as_well(stub: Any, demand: Demand) -> None:
    answered = pb.RouteOutcome(
        node=node_info().name,
        predicted_ttft_seconds=0.1,
        actual_ttft_seconds=0.1,
        tier=pb.TIER_POP,
    )
    await stub.Route(_request(outcomes=[answered] * 5))
    assert demand.noted == [(MODEL.name, "fra1", 5)]


async def test_what_is_asked_for_in_vain_is_demand_as_well(stub: Any, demand: Demand) -> None:
    error = await _error(stub.Route(_request(constraints={"jurisdictions": ["mars"]})))
    assert isinstance(error, NoCandidate)
    assert demand.noted == [(MODEL.name, "", 1)]


async def test_an_explanation_names_every_node(stub: Any) -> None:
    explanation = await stub.Explain(_request(model=MODEL.name))
    assert [(one.candidate.node, one.rank) for one in explanation.nodes] == [(node_info().name, 1)]
