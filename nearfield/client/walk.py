"""One request's walk over its candidates: who is next, and whether to go on after a failure."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Mapping

from nearfield.client.answer import Record
from nearfield.client.choice import order
from nearfield.client.leases import Leases
from nearfield.client.round_trips import RoundTrips
from nearfield.core.clock import monotonic
from nearfield.core.errors import NearfieldError, NoCandidate, TimedOut
from nearfield.core.inference import AttemptKind, Request
from nearfield.core.route import Candidate, Lease, RouteQuery

_ROUNDS = 2
"""Leases for one request: the one at hand, and a new one without the nodes that failed."""


class Walk:
    """Yields candidates soonest first, each node once.

    `deadline` is the monotonic moment after which nobody is asked any more.
    """

    def __init__(
        self,
        request: Request,
        leases: Leases,
        round_trips: RoundTrips,
        record: Record,
        deadline: float | None = None,
    ) -> None:
        self._request = request
        self._leases = leases
        self._round_trips = round_trips
        self._record = record
        self._deadline = deadline
        self._failed: set[str] = set()
        self._last: NearfieldError | None = None

    async def candidates(
        self, trace: Mapping[str, str]
    ) -> AsyncGenerator[tuple[Candidate, Request]]:
        """Yield each candidate with the request as it is to be sent there.

        Raises the last failure once nobody is left, or what the control plane answers.
        """
        for _ in range(_ROUNDS):
            query = self._query()
            asked = monotonic()
            lease = await self._lease(query, trace)
            self._record.split.route += monotonic() - asked
            for candidate in order(lease.candidates, query.origin, query.round_trips):
                if candidate.node not in self._failed:
                    self._record.prediction = candidate.prediction
                    self._record.endpoint = candidate.endpoint
                    yield candidate, self._next_request(lease.model)
        raise self._last or NoCandidate("the control plane named no node")

    async def _lease(self, query: RouteQuery, trace: Mapping[str, str]) -> Lease:
        late = TimedOut("the deadline passed before a node was asked")
        left = None if self._deadline is None else self._deadline - monotonic()
        if left is not None and left <= 0:
            raise late
        try:
            async with asyncio.timeout(left):
                return await self._leases.get(query, trace)
        except TimeoutError:
            raise late from None

    def go_on_after(self, candidate: Candidate, error: NearfieldError) -> None:
        """Note a failure; raises it where another node would not help.

        An answer that has begun is not begun again, and a deadline that has passed has
        passed everywhere.
        """
        self._leases.drop(self._query())
        if self._record.provenance is not None or isinstance(error, TimedOut):
            raise error
        self._failed.add(candidate.node)
        self._last = error

    def _query(self) -> RouteQuery:
        return RouteQuery(
            self._request.model,
            self._request.origin,
            self._request.jurisdictions,
            self._round_trips.snapshot(),
            frozenset(self._failed),
        )

    def _next_request(self, model: str) -> Request:
        attempt = self._record.attempts
        self._record.attempts += 1
        kind = AttemptKind.RETRY if attempt else AttemptKind.FIRST
        return dataclasses.replace(self._request, model=model, attempt=attempt, attempt_kind=kind)
