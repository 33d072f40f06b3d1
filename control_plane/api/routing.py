"""The Routing service. It never sees a prompt."""

from collections.abc import Callable
from typing import Any, Protocol

from control_plane.api.leases import LeaseWriter
from control_plane.api.peers import address_of
from control_plane.routing.decision import Decision
from control_plane.routing.router import Router
from control_plane.telemetry import PlaneTelemetry
from nearfield.core.constraints import Constraints
from nearfield.core.errors import NoCandidate
from nearfield.core.protocol import check_version
from nearfield.core.route import RouteQuery, Tier
from nearfield.core.wire.routing import explanation_to_wire, query_from_wire
from protos.nearfield.v1 import routing_pb2, routing_pb2_grpc

SERVICE = "nearfield.v1.Routing"


class Issuer(Protocol):
    """Signs tickets."""

    def issue(
        self, token: str, model: str, constraints: Constraints, epoch: int
    ) -> tuple[str, float]:
        """Return a ticket and the seconds it lives; raises TenantUnknown."""


class Demand(Protocol):
    """Learns where a model is asked for."""

    def note(self, model: str, pop: str, requests: int = 1) -> None:
        """Count requests; `pop` is the nearest one that could take them, if any could."""


class RoutingService(routing_pb2_grpc.RoutingServicer):
    """Answers from the live view; `epoch` gives the fleet's ticket epoch."""

    def __init__(
        self,
        router: Router,
        issuer: Issuer,
        demand: Demand,
        telemetry: PlaneTelemetry,
        epoch: Callable[[], int],
    ) -> None:
        self._router = router
        self._issuer = issuer
        self._demand = demand
        self._telemetry = telemetry
        self._epoch = epoch
        self._leases = LeaseWriter()

    async def Route(self, message: routing_pb2.RouteRequest, context: Any) -> routing_pb2.Lease:
        """Rank candidates."""
        with self._telemetry.route(context):
            check_version(message.protocol_version)
            query = query_from_wire(message)
            ticket, ttl = self._ticket(query)
            decision = self._decide(query, address_of(context.peer()))
            # A lease stands for many requests; their outcomes come with the next question.
            self._demand.note(decision.model, _home(decision), max(1, len(query.outcomes)))
            self._telemetry.asked(query)
            return self._leases.write(decision, ticket, ttl)

    async def Explain(
        self, message: routing_pb2.RouteRequest, context: Any
    ) -> routing_pb2.Explanation:
        """Rank candidates and say why."""
        check_version(message.protocol_version)
        query = query_from_wire(message)
        self._ticket(query)
        return explanation_to_wire(self._router.explain(query, address_of(context.peer())))

    def _decide(self, query: RouteQuery, address: str) -> Decision:
        """Ask the router; what is asked for in vain is demand as well."""
        try:
            return self._router.decide(query, address)
        except NoCandidate:
            self._demand.note(self._router.meant(query.model), "")
            raise

    def _ticket(self, query: RouteQuery) -> tuple[str, float]:
        """Ask before anything else: a stranger learns neither of models nor of nodes."""
        model = self._router.meant(query.model)
        return self._issuer.issue(query.token, model, query.constraints, self._epoch())


def _home(decision: Decision) -> str:
    nearest = (one for one in decision.named if one.tier is Tier.POP)
    return next(nearest, decision.named[0]).place.info.pop
