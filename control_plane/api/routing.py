"""The Routing service. It never sees a prompt."""

from typing import Any

from control_plane.fleet.registry import Registry
from control_plane.routing.router import explain, route
from control_plane.telemetry import PlaneTelemetry
from nearfield.core.protocol import check_version
from nearfield.core.wire.routing import explanation_to_wire, lease_to_wire, query_from_wire
from protos.nearfield.v1 import routing_pb2, routing_pb2_grpc

SERVICE = "nearfield.v1.Routing"


class RoutingService(routing_pb2_grpc.RoutingServicer):
    """Answers from the live view."""

    def __init__(self, registry: Registry, telemetry: PlaneTelemetry) -> None:
        self._registry = registry
        self._telemetry = telemetry

    async def Route(self, message: routing_pb2.RouteRequest, context: Any) -> routing_pb2.Lease:
        """Rank candidates."""
        with self._telemetry.route(context.invocation_metadata()):
            check_version(message.protocol_version)
            query = query_from_wire(message)
            lease = route(self._registry.views(), query, self._registry.revision)
            return lease_to_wire(lease)

    async def Explain(
        self, message: routing_pb2.RouteRequest, context: Any
    ) -> routing_pb2.Explanation:
        """Rank candidates and say why."""
        check_version(message.protocol_version)
        query = query_from_wire(message)
        explanation = explain(self._registry.views(), query, self._registry.revision)
        return explanation_to_wire(explanation)
