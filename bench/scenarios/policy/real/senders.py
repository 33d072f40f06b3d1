"""Who sends: the product's client, or a policy of another kind over the client's lower layers.

All stand at one place, behind relays as long as the paths from there.
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Protocol, Self

from bench.scenarios.policy.real.choosers import Board, Chooser, Site, Wanted
from nearfield.client.answer import Record
from nearfield.client.attempt import Trip, attempt
from nearfield.client.client import Client
from nearfield.client.connections import Connections
from nearfield.client.dialing import Dialer
from nearfield.core.clock import monotonic
from nearfield.core.errors import Evicted, NearfieldError, NoCandidate, Rejected
from nearfield.core.geo import Position
from nearfield.core.inference import Event, Request
from nearfield.core.prefix import STEP_BYTES, PrefixSecret, canonical
from nearfield.core.route import RouteQuery
from nearfield.core.rpc.tls import ClientSecurity


class Sender(Protocol):
    """Streams the answer to a request and fills in its record."""

    def stream(self, request: Request, record: Record, meant: float) -> AsyncGenerator[Event]:
        """`meant` is the monotonic moment from which time counts; raises a NearfieldError."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The product's client."""

    client: Client

    def stream(self, request: Request, record: Record, meant: float) -> AsyncGenerator[Event]:
        """See Sender."""
        return self.client.stream(request, record, meant=meant)

    async def ticket(self, place: Position) -> str:
        """Ask once where to go and return what lets requests in; raises a NearfieldError."""
        return (await self.client.route(RouteQuery("", place))).ticket


class Doors:
    """Open connections from one place, one to each node, none ever closed in between.

    `ticket` is what lets a request in; close it with `async with`.
    """

    def __init__(self, dialer: Dialer, security: ClientSecurity, sites: tuple[Site, ...]) -> None:
        # A set of their own for each node: one set would keep no more than three warm.
        self._of = {site.name: Connections(dialer, security) for site in sites}
        self._stack = AsyncExitStack()
        self.ticket = ""

    async def __aenter__(self) -> Self:
        for one in self._of.values():
            self._stack.push_async_callback(one.aclose)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ask(
        self, site: Site, request: Request, record: Record, meant: float
    ) -> AsyncGenerator[Event]:
        """Stream from one node; raises what it answered."""
        trip = Trip()
        request = replace(request, ticket=self.ticket, attempt=record.attempts)
        record.attempts += 1
        async with self._of[site.name].use(site.endpoint, site.position) as connection:
            events = attempt(connection, request, trip, metadata={}, timeout=None)
            async with aclosing(events):
                async for event in events:
                    record.split.round_trip, record.split.warm = trip.seconds, trip.warm
                    record.note(event, monotonic() - meant)
                    yield event


@dataclass(frozen=True, slots=True)
class Rival:
    """A policy that chooses by what its board says, and goes on to its next choice."""

    chooser: Chooser
    board: Board
    doors: Doors
    place: Position

    async def stream(self, request: Request, record: Record, meant: float) -> AsyncGenerator[Event]:
        """See Sender."""
        tried: set[str] = set()
        last: NearfieldError = NoCandidate("no node takes work")
        key = first_key(request)
        while True:
            site = self.chooser.choose(Wanted(self.place, key, frozenset(tried)), self.board)
            if site is None:
                raise last
            tried.add(site.name)
            self.board.sent(site.name)
            try:
                async with aclosing(self.doors.ask(site, request, record, meant)) as events:
                    async for event in events:
                        yield event
                return
            except (Rejected, Evicted) as error:
                if record.provenance is not None:
                    raise
                last = error


def first_key(request: Request) -> int:
    """Return the first prefix key of a request, of a short one that of all its bytes."""
    data = canonical(request.prompt).ljust(STEP_BYTES, b"\0")
    return PrefixSecret(request.prefix_secret).keys(data[:STEP_BYTES]).keys[0]
