"""One request's walk over its candidates: who is next, and whether to go on after a failure."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from enum import IntEnum, auto

from nearfield.client.answer import Record
from nearfield.client.budget import (
    DECLINES_MOST,
    Declined,
    Step,
    first_budgets,
    is_decline,
    is_late,
    later_budgets,
    soonest_first,
    within,
)
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


class Round(IntEnum):
    """The lease at hand, a new one without who failed or declined, and then who declined."""

    FIRST = auto()
    SECOND = auto()
    LAST = auto()


class Walk:
    """Yields sendings to candidates soonest first, each node once, or twice where it declined.

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
        self._declined: dict[str, Declined] = {}
        self._last: NearfieldError | None = None
        self._round = Round.FIRST
        self._lease: Lease | None = None
        self._ticket_renewed = False
        self._ask_anew = False

    async def sendings(self, trace: Mapping[str, str]) -> AsyncGenerator[Sending]:
        """Yield each attempt at the moment it is to be sent.

        Raises the last failure once nobody is left, or what the control plane answers.
        """
        for self._round in Round:
            self._ask_anew = True
            while self._ask_anew:
                self._ask_anew, before = False, self._record.declines
                for step in await self._steps(trace):
                    sending = self._sending(step)
                    try:
                        yield sending
                    finally:
                        sending.end()
                    if self._ask_anew or self._record.declines - before >= DECLINES_MOST:
                        break
                if self._record.declines > before:
                    self._leases.expire(self._query())
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
        sent, asked = sending.request.first_token_budget, self._request.first_token_budget
        if is_decline(error, sent, asked) and not over:
            seconds = sending.declined(error.retry_after or 0.0)
            self._declined[sending.candidate.node] = Declined(sending.candidate, seconds)
            self._last = error
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
        self._lease = None
        self._last = error

    async def _steps(self, trace: Mapping[str, str]) -> list[Step]:
        """Return whom to ask in this round, in order."""
        if self._round is Round.LAST:
            return await self._again(trace)
        try:
            lease, ranked = await self._candidates(trace)
        except NearfieldError:
            if not self._declined and not is_late(self._last):
                raise
            self._left()
            return []  # who declined would take it still; a budget not met says more
        if self._round is Round.FIRST:
            budgets = first_budgets(ranked, self._route_seconds)
        else:
            budgets = later_budgets(ranked, self._declined.values())
        return [Step(lease, *one) for one in zip(ranked, budgets, strict=True)]

    async def _again(self, trace: Mapping[str, str]) -> list[Step]:
        """Return who declined: they may take all the time that the caller has."""
        lease = self._lease or (await self._candidates(trace))[0]
        left = [one for node, one in self._declined.items() if node not in self._failed]
        return [
            Step(lease, ranked, None)
            for one in soonest_first(left)
            for ranked in self._knowledge.order([one.candidate], self._prompt)
        ]

    async def _candidates(self, trace: Mapping[str, str]) -> tuple[Lease, list[Ranked]]:
        """Return a lease and whom of it to ask, in order; the time that takes is the route's."""
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
        if grant.awaited and self._declined:
            self._leases.refresh(self._query())
        self._lease, out = lease, self._out
        return lease, [one for one in ranked if one.candidate.node not in out]

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

    @property
    def _out(self) -> frozenset[str]:
        """The nodes of which a new lease is to name none."""
        again = self._round is Round.LAST
        return frozenset(self._failed).union(() if again else self._declined)

    def _query(self) -> RouteQuery:
        return RouteQuery(
            self._request.model,
            self._request.origin,
            self._request.constraints,
            self._request.preferences,
            excluded_nodes=self._out,
            prefix=self._prompt.prefix,
            prompt_size=self._prompt.size,
        )

    def _sending(self, step: Step) -> Sending:
        attempt = self._record.attempts
        self._record.attempts += 1
        kind = AttemptKind.RETRY if attempt else AttemptKind.FIRST
        request = replace(
            self._request,
            model=step.lease.model,
            ticket=step.lease.ticket,
            attempt=attempt,
            attempt_kind=kind,
            first_token_budget=within(self._request.first_token_budget, step.budget),
        )
        return Sending(request, step.ranked, self._prompt, self._knowledge, self._record)


def _late() -> TimedOut:
    return TimedOut("the deadline passed before a node was asked")
