"""Route leases: one question to the control plane answers for many requests."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from nearfield.core.clock import Clock, monotonic
from nearfield.core.geo import Position
from nearfield.core.route import Lease, RouteQuery

Ask = Callable[[RouteQuery, Mapping[str, str]], Awaitable[Lease]]


@dataclass(frozen=True, slots=True)
class LeaseKey:
    """Requests with the same key may share a lease."""

    model: str
    origin: Position | None
    jurisdictions: tuple[str, ...]

    @classmethod
    def of(cls, query: RouteQuery) -> "LeaseKey":
        """Return the key of a query."""
        return cls(query.model, query.origin, query.jurisdictions)


@dataclass(slots=True)
class _Held:
    lease: Lease
    until: float


class Leases:
    """Leases by key; of many requests that find none, one asks and the others wait for it."""

    def __init__(self, ask: Ask, clock: Clock = monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._held: dict[LeaseKey, _Held] = {}
        self._asking: dict[LeaseKey, asyncio.Lock] = {}

    async def get(self, query: RouteQuery, trace: Mapping[str, str]) -> Lease:
        """Return a lease that still holds; raises what the control plane answers.

        `trace` holds the trace headers under which it is asked, if it is.
        """
        key = LeaseKey.of(query)
        if (held := self._fresh(key)) is not None:
            return held
        async with self._asking.setdefault(key, asyncio.Lock()):
            if (held := self._fresh(key)) is not None:
                return held
            lease = await self._ask(query, trace)
            self._drop_expired()
            self._held[key] = _Held(lease, self._clock() + lease.ttl)
            return lease

    def drop(self, query: RouteQuery) -> None:
        """Forget a lease that led to a node which failed."""
        self._held.pop(LeaseKey.of(query), None)

    def _fresh(self, key: LeaseKey) -> Lease | None:
        held = self._held.get(key)
        return held.lease if held and self._clock() < held.until else None

    def _drop_expired(self) -> None:
        """Clients that ask from many places would otherwise gather keys without end."""
        now = self._clock()
        self._held = {key: held for key, held in self._held.items() if now < held.until}
        self._asking = {key: lock for key, lock in self._asking.items() if lock.locked()}
