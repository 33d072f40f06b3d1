"""Route leases: one question to the control plane answers for many requests.

A lease in use is renewed in the background before it ends, so that no request waits for
the control plane. While that cannot be reached, a lease holds as long as its ticket does.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from nearfield.client.recent import Recent
from nearfield.core.clock import Clock, monotonic
from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.errors import (
    DirectoryUnavailable,
    NearfieldError,
    StreamBroken,
    TimedOut,
    Unreachable,
)
from nearfield.core.geo import Position
from nearfield.core.retry import Backoff
from nearfield.core.route import Lease, RouteQuery

Ask = Callable[[RouteQuery, Mapping[str, str]], Awaitable[Lease]]
Sleep = Callable[[float], Awaitable[None]]
KEYS_MOST = 1024
"""A gateway that asks from many places would otherwise gather leases as long as tickets live."""
AWAY = (Unreachable, TimedOut, StreamBroken, DirectoryUnavailable)
"""What says nothing of the lease: the control plane is not there to change its mind."""


@dataclass(frozen=True, slots=True)
class LeaseKey:
    """Requests with the same key may share a lease."""

    model: str
    origin: Position | None
    constraints: Constraints
    preferences: Preferences

    @classmethod
    def of(cls, query: RouteQuery) -> "LeaseKey":
        """Return the key of a query."""
        return cls(query.model, query.origin, query.constraints, query.preferences)

    def query(self) -> RouteQuery:
        """Return the plain question for a lease of this key."""
        return RouteQuery(self.model, self.origin, self.constraints, self.preferences)


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease, and whether the control plane was waited for to get it."""

    lease: Lease
    awaited: bool


@dataclass(slots=True)
class _Held:
    """`until` is the lease's end, `stale_until` the ticket's, `renew_at` a moment before both."""

    lease: Lease
    until: float
    stale_until: float
    renew_at: float
    used: bool = False
    early: bool = False
    away: bool = False


@dataclass(slots=True)
class _Question:
    answer: asyncio.Task[Lease]
    awaited: bool = False


class Leases:
    """Leases by key; of many requests that find none, one asks and all wait for its answer.

    `awaited` counts the questions that a request has waited for, `early` those asked within
    a lease. Close it with `aclose`.
    """

    def __init__(
        self,
        ask: Ask,
        clock: Clock = monotonic,
        sleep: Sleep = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._held: Recent[LeaseKey, _Held] = Recent(KEYS_MOST)
        self._asking: dict[LeaseKey, _Question] = {}
        self._renewing: dict[LeaseKey, asyncio.Task[None]] = {}
        self.awaited = 0
        self.early = 0

    async def get(self, query: RouteQuery, trace: Mapping[str, str]) -> Grant:
        """Return a lease that still holds; raises what the control plane answers.

        `trace` holds the trace headers under which it is asked, if it is.
        """
        key = LeaseKey.of(query)
        if (held := self._usable(key)) is not None:
            self._use(key, held)
            return Grant(held.lease, awaited=False)
        try:
            return Grant(await self._await_answer(key, query, trace), awaited=True)
        except AWAY:
            stale = self._held.get(key)
            if stale is None or self._clock() >= stale.stale_until:
                raise
            stale.away = True
            stale.renew_at = self._clock() + Backoff().delay(0, self._rng)
            self._use(key, stale)
            return Grant(stale.lease, awaited=True)

    async def get_early(self, query: RouteQuery, trace: Mapping[str, str]) -> Lease | None:
        """Ask within a lease, at most once in it; None where that was done, or nothing came."""
        key = LeaseKey.of(query)
        held = self._held.get(key)
        if held is None or held.early or key in self._asking:
            return None
        held.early = True
        self.early += 1
        with contextlib.suppress(NearfieldError):
            lease = await self._await_answer(key, replace(query, early=True), trace)
            # Else each lease would allow another, and every new prompt would ask.
            if (renewed := self._held.get(key)) is not None:
                renewed.early = True
            return lease
        return None

    def expire(self, query: RouteQuery) -> None:
        """End a lease that led to a node which failed; it holds while nobody can be asked."""
        held = self._held.get(LeaseKey.of(query))
        if held is not None and not held.away:
            held.until = min(held.until, self._clock())

    def refresh(self, query: RouteQuery) -> None:
        """Ask anew in the background: the lease at hand leaves nodes out for one request alone."""
        key = LeaseKey.of(query)
        self._question(key, key.query(), {})

    def drop(self, query: RouteQuery) -> None:
        """Forget a lease whose ticket is not taken any more."""
        self._held.pop(LeaseKey.of(query), None)

    def _usable(self, key: LeaseKey) -> _Held | None:
        held, now = self._held.get(key), self._clock()
        if held is None:
            return None
        return held if now < (held.stale_until if held.away else held.until) else None

    def _use(self, key: LeaseKey, held: _Held) -> None:
        held.used = True
        if key not in self._renewing:
            self._renewing[key] = asyncio.create_task(self._renew(key))

    async def _await_answer(
        self, key: LeaseKey, query: RouteQuery, trace: Mapping[str, str]
    ) -> Lease:
        question = self._question(key, query, trace)
        if not question.awaited:
            question.awaited = True
            self.awaited += 1
        return await _outcome(question.answer)

    def _question(self, key: LeaseKey, query: RouteQuery, trace: Mapping[str, str]) -> _Question:
        """Return the question that is under way for a key, or ask one."""
        if (found := self._asking.get(key)) is not None:
            return found
        question = _Question(asyncio.create_task(self._ask_and_hold(key, query, trace)))
        self._asking[key] = question
        question.answer.add_done_callback(lambda task: self._answered(key, task))
        return question

    def _answered(self, key: LeaseKey, task: asyncio.Task[Lease]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # all who waited for it may have given up

    async def _ask_and_hold(
        self, key: LeaseKey, query: RouteQuery, trace: Mapping[str, str]
    ) -> Lease:
        lease = await self._ask(query, trace)
        now = self._clock()
        begin = lease.renew_after or lease.ttl / 2
        # In the first half of what is left, so that a slow answer still comes in time.
        renew_at = now + self._rng.uniform(begin, (begin + lease.ttl) / 2)
        until = now + lease.ttl
        self._drop_ended(now)
        self._held.put(key, _Held(lease, until, max(until, now + lease.ticket_ttl), renew_at))
        return lease

    def _drop_ended(self, now: float) -> None:
        for key in [key for key, held in self._held.items() if now >= held.stale_until]:
            del self._held[key]

    async def _renew(self, key: LeaseKey) -> None:
        try:
            await self._renew_once(key)
        finally:
            del self._renewing[key]

    async def _renew_once(self, key: LeaseKey) -> None:
        """Ask for a lease in use when its time comes, and again while that fails."""
        backoff, attempt = Backoff(), 0
        while (held := self._held.get(key)) is not None and held.used:
            now = self._clock()
            if now >= (held.stale_until if held.away else held.until):
                return
            if now < held.renew_at:
                await self._sleep(held.renew_at - now)
                continue
            try:
                await _outcome(self._question(key, key.query(), {}).answer)
            except NearfieldError as error:
                held.away = isinstance(error, AWAY)
                held.renew_at = self._clock() + backoff.delay(attempt, self._rng)
                attempt += 1

    async def aclose(self) -> None:
        """End what goes on in the background; twice is once."""
        tasks = [*self._renewing.values(), *(one.answer for one in self._asking.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(answer: asyncio.Task[Lease]) -> Lease:
    """Wait for an answer that others wait for too: who gives up does not end it for them."""
    try:
        return await asyncio.shield(answer)
    except asyncio.CancelledError:
        if not answer.cancelled():
            raise
        raise Unreachable("the client was closed while it asked where to go") from None
