"""Where a client's requests go: leases, what was learned, and connections kept warm for it."""

from collections.abc import Mapping
from dataclasses import replace

from nearfield.client.answer import Record
from nearfield.client.connections import Connection, Connections
from nearfield.client.knowledge import Knowledge
from nearfield.client.leases import Leases
from nearfield.client.prompts import Fingerprint, fingerprint
from nearfield.client.round_trips import RoundTrips
from nearfield.client.routing import Routes
from nearfield.client.walk import Walk
from nearfield.client.warming import Warming
from nearfield.core.inference import Request
from nearfield.core.node import NodeLoad
from nearfield.core.route import Candidate, Lease, RouteQuery


class Guide:
    """Asks the control plane with all that this client knows, and learns from its answers.

    Close it with `aclose`, before the connections.
    """

    def __init__(self, routes: Routes, connections: Connections) -> None:
        round_trips = RoundTrips()
        self._routes = routes
        self._warming = Warming(connections, round_trips, self._hear)
        self._knowledge = Knowledge(round_trips, self._warming.is_warm)
        self._leases = Leases(self._ask)

    def walk(self, request: Request, record: Record, deadline: float | None) -> Walk:
        """Return the walk of a request; raises InvalidRequest for a prompt without an encoding.

        `deadline` is the monotonic moment after which nobody is asked any more.
        """
        return Walk(
            request,
            fingerprint(request.prompt, request.prefix_secret),
            self._leases,
            self._knowledge,
            record,
            deadline=deadline,
            route_seconds=self._routes.seconds,
        )

    def reached(self, candidate: Candidate, connection: Connection) -> None:
        """Note over which connection a candidate is reached."""
        self._warming.note(candidate, connection)

    @property
    def awaited(self) -> int:
        """Questions to the control plane that a request has waited for."""
        return self._leases.awaited

    @property
    def early(self) -> int:
        """Questions asked within a lease."""
        return self._leases.early

    def _hear(self, node: str, load: NodeLoad) -> None:
        self._knowledge.hear(node, load)

    async def _ask(self, query: RouteQuery, trace: Mapping[str, str]) -> Lease:
        """Ask where to go; outcomes that could not be told are kept for the next question."""
        known = self._knowledge
        outcomes = known.outcomes.take()
        query = replace(query, round_trips=known.round_trips.snapshot(), outcomes=outcomes)
        try:
            lease = await self._routes.route(query, trace)
        except BaseException:
            known.outcomes.put_back(outcomes)
            raise
        known.learn(lease)
        ranked = known.order(lease.candidates, Fingerprint())
        self._warming.start([one.candidate for one in ranked], fresh=lease.ttl)
        return lease

    async def aclose(self) -> None:
        """End what goes on in the background; twice is once."""
        await self._leases.aclose()
        await self._warming.aclose()
