"""One request's walk over its candidates: who is next, and whether to go on after a failure."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace

from nearfield.client.answer import Record
from nearfield.client.choice import Ranked, worth_asking
from nearfield.client.knowledge import Knowledge
from nearfield.client.leases import Leases
from nearfield.client.prompts import Fingerprint
from nearfield.client.sendings import Sending
from nearfield.core.errors import (
    NearfieldError,
    NoCandidate,
    TicketExpired,
    TicketInvalid,
    TicketRevoked,
    TimedOut,
)
from nearfield.core.inference import AttemptKind, Request
from nearfield.core.route import Lease, RouteQuery

TICKET_ENDED = (TicketExpired, TicketInvalid, TicketRevoked)
"""What a new ticket mends."""
_ROUNDS = 2
"""Leases for one request: the one at hand, and a new one without the nodes that failed."""


class Walk:
    """Yields sendings to candidates soonest first, each node once.

    `deadline` is the clock's moment after which nobody is asked any more; `route_seconds`
    is what a question to the control plane takes, None where that is not known.
    """

    def __init__(
        self,
        request: Request,
        prompt: Fingerprint,
        leases: Leases,
        knowledge: Knowledge,
        record: Record,
        *,
        deadline: float | None = None,
        route_seconds: float | None = None,
    ) -> None:
        self._request = request
        self._prompt = prompt
        self._leases = leases
        self._knowledge = knowledge
        self._record = record
        self._deadline = deadline
        self._route_seconds = route_seconds
        self._failed: set[str] = set()
        self._last: NearfieldError | None = None
        self._rounds = _ROUNDS
        self._ticket_renewed = False
        self._ask_anew = False

    async def sendings(self, trace: Mapping[str, str]) -> AsyncGenerator[Sending]:
        """Yield each attempt at the moment it is to be sent.

        Raises the last failure once nobody is left, or what the control plane answers.
        """
        while self._rounds:
            self._rounds -= 1
            self._ask_anew = False
            lease, ranked = await self._candidates(trace)
            for one in ranked:
                if self._ask_anew:
                    break
                if one.candidate.node in self._failed:
                    continue
                sending = self._sending(one, lease)
                try:
                    yield sending
                finally:
                    sending.end()
        raise self._last or NoCandidate("the control plane named no node")

    def go_on_after(self, sending: Sending, error: NearfieldError) -> None:
        """Note a failure; raises it where another attempt would not help.

        An answer that has begun is not begun again, and a deadline that has passed has
        passed everywhere. A ticket is renewed once.
        """
        over = self._record.provenance is not None or isinstance(error, TimedOut)
        if isinstance(error, TICKET_ENDED) and not over:
            self._renew_ticket(error)
            return
        self._leases.expire(self._query())
        if over:
            raise error
        self._failed.add(sending.candidate.node)
        self._last = error

    def _renew_ticket(self, error: NearfieldError) -> None:
        self._leases.drop(self._query())
        if self._ticket_renewed:
            raise error
        self._ticket_renewed = self._ask_anew = True
        self._rounds += 1
        self._last = error

    async def _candidates(self, trace: Mapping[str, str]) -> tuple[Lease, list[Ranked]]:
        """Return a lease and its candidates in order; the time that takes is the route's."""
        asked = self._knowledge.clock()
        try:
            async with asyncio.timeout(self._left()):
                grant = await self._leases.get(self._query(), trace)
        except TimeoutError:
            raise _late() from None
        ranked = self._knowledge.order(grant.lease.candidates, self._prompt)
        lease = grant.lease
        if not grant.awaited and self._early_pays(ranked):
            lease = await self._early(lease, ranked[0].prediction.prefill, trace)
            ranked = self._knowledge.order(lease.candidates, self._prompt)
        self._record.split.route += self._knowledge.clock() - asked
        return lease, ranked

    def _early_pays(self, ranked: list[Ranked]) -> bool:
        keys = self._prompt.keys
        return bool(
            keys
            and ranked
            and worth_asking(ranked[0].prediction, self._route_seconds)
            and not self._knowledge.prefixes.knows(keys)
        )

    async def _early(self, lease: Lease, saves: float, trace: Mapping[str, str]) -> Lease:
        """Ask within a lease; waits for no longer than an answer may save."""
        before = self._leases.early
        left = self._left()
        try:
            async with asyncio.timeout(saves if left is None else min(left, saves)):
                renewed = await self._leases.get_early(self._query(), trace)
        except TimeoutError:
            renewed = None
        self._record.early = self._leases.early > before
        return renewed or lease

    def _left(self) -> float | None:
        """Return the seconds left; raises TimedOut where there are none."""
        if self._deadline is None:
            return None
        left = self._deadline - self._knowledge.clock()
        if left <= 0:
            raise _late()
        return left

    def _query(self) -> RouteQuery:
        return RouteQuery(
            self._request.model,
            self._request.origin,
            self._request.constraints,
            self._request.preferences,
            excluded_nodes=frozenset(self._failed),
            prefix=self._prompt.prefix,
            prompt_size=self._prompt.size,
        )

    def _sending(self, ranked: Ranked, lease: Lease) -> Sending:
        attempt = self._record.attempts
        self._record.attempts += 1
        kind = AttemptKind.RETRY if attempt else AttemptKind.FIRST
        request = replace(
            self._request,
            model=lease.model,
            ticket=lease.ticket,
            attempt=attempt,
            attempt_kind=kind,
        )
        return Sending(request, ranked, self._prompt, self._knowledge, self._record)


def _late() -> TimedOut:
    return TimedOut("the deadline passed before a node was asked")
