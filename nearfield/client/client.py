"""The client: asks once where to go, then streams from the node itself."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Self

from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer

from nearfield.client.answer import Answer, Record
from nearfield.client.attempt import Trip, attempt
from nearfield.client.connections import Connections
from nearfield.client.dialing import Dialer, direct
from nearfield.client.guide import Guide
from nearfield.client.prompts import as_messages, as_position, as_prompt
from nearfield.client.routing import Routes
from nearfield.client.sendings import Sending
from nearfield.client.telemetry import ClientTelemetry
from nearfield.client.walk import TICKET_ENDED
from nearfield.core.clock import monotonic
from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.errors import Evicted, Rejected
from nearfield.core.geo import Position
from nearfield.core.identity import new_id
from nearfield.core.inference import (
    ChatPrompt,
    Event,
    Message,
    Prompt,
    Request,
    Sampling,
)
from nearfield.core.prefix import PrefixSecret
from nearfield.core.route import Explanation, Lease, RouteQuery
from nearfield.core.rpc.tls import ClientSecurity, from_environment

Wishes = tuple[Constraints | None, Preferences | None, float | None]


class Client:
    """Streams answers from the node that can give the first token soonest.

    `target` is the control plane's `host:port`. A lease answers where to go for half a
    minute and is renewed in the background, so most requests ask the control plane nothing.
    Use it as `async with`.

    `token` proves the tenant; `security` is what is trusted, None what NEARFIELD_AUTHORITY
    and NEARFIELD_PLAINTEXT say. `prefix_secret`, 16 to 64 bytes, keys what the control plane
    is told of prompts; a tenant's clients that share one find each other's cached prefixes,
    None is a secret of this client's own. Raises ConfigError where the authority cannot be
    read, InvalidRequest for a secret out of bounds.
    """

    def __init__(
        self,
        target: str,
        *,
        token: str = "",
        security: ClientSecurity | None = None,
        prefix_secret: bytes | None = None,
        dialer: Dialer = direct,
        tracer: Tracer | None = None,
        meter: Meter | None = None,
    ) -> None:
        trust = from_environment() if security is None else security
        self._routes = Routes(target, dialer, trust, token)
        secret = PrefixSecret.fresh() if prefix_secret is None else PrefixSecret(prefix_secret)
        self._secret = secret.value
        self._connections = Connections(dialer, trust)
        self._guide = Guide(self._routes, self._connections)
        self._telemetry = ClientTelemetry(tracer, meter)

    def generate(
        self,
        prompt: str | Sequence[int],
        *,
        model: str = "",
        near: Position | tuple[float, float] | None = None,
        sampling: Sampling | None = None,
        constraints: Constraints | None = None,
        preferences: Preferences | None = None,
        first_token_budget: float | None = None,
        timeout: float | None = None,
        **values: Any,
    ) -> Answer:
        """Go on from a text or from token ids.

        `near` is where this process is, (latitude, longitude) in degrees; `constraints` must
        and `preferences` should be met by the place that answers; `first_token_budget` is
        the seconds for which the first token is worth waiting for, `timeout` those for the
        whole answer; `values` are fields of Sampling such as `max_tokens=64`. Iterating
        raises a NearfieldError where no node can answer.
        """
        wishes = constraints, preferences, first_token_budget
        sampling = replace(sampling or Sampling(), **values)
        return self._answer(as_prompt(prompt), model, near, sampling, wishes, timeout)

    def chat(
        self,
        messages: str | Sequence[Message | Mapping[str, str]],
        *,
        model: str = "",
        near: Position | tuple[float, float] | None = None,
        sampling: Sampling | None = None,
        constraints: Constraints | None = None,
        preferences: Preferences | None = None,
        first_token_budget: float | None = None,
        timeout: float | None = None,
        **values: Any,
    ) -> Answer:
        """Answer a conversation, or one question; see `generate`."""
        wishes = constraints, preferences, first_token_budget
        sampling = replace(sampling or Sampling(), **values)
        return self._answer(
            ChatPrompt(as_messages(messages)), model, near, sampling, wishes, timeout
        )

    async def stream(
        self,
        request: Request,
        record: Record | None = None,
        *,
        timeout: float | None = None,
        meant: float | None = None,
    ) -> AsyncGenerator[Event]:
        """Stream the events of a request as they come; what `generate` and `chat` stand on.

        `meant` is the monotonic moment from which time counts; None is now.
        """
        record = record or Record()
        started = monotonic() if meant is None else meant
        request = replace(request, prefix_secret=request.prefix_secret or self._secret)
        with self._telemetry.request(request.model, record) as trace:
            events = self._run(request, record, trace, started, timeout)
            async with aclosing(events):
                async for event in events:
                    record.note(event, monotonic() - started)
                    yield event

    async def route(self, query: RouteQuery) -> Lease:
        """Ask where to go, past any lease."""
        return await self._routes.route(query, {})

    async def explain(self, query: RouteQuery) -> Explanation:
        """Ask where to go, and why each node stands where it stands."""
        return await self._routes.explain(query)

    @property
    def routes_asked(self) -> int:
        """How many questions went to the control plane so far."""
        return self._routes.asked

    @property
    def routes_awaited(self) -> int:
        """How many of those questions a request has waited for."""
        return self._guide.awaited

    @property
    def early_routes(self) -> int:
        """How many questions were asked within a lease, for what a cached prefix may save."""
        return self._guide.early

    async def aclose(self) -> None:
        """Close every connection; twice is once."""
        await self._guide.aclose()
        await self._connections.aclose()
        await self._routes.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _answer(
        self,
        prompt: Prompt,
        model: str,
        near: Position | tuple[float, float] | None,
        sampling: Sampling,
        wishes: Wishes,
        timeout: float | None,
    ) -> Answer:
        constraints, preferences, first_token_budget = wishes
        request = Request(
            request_id=new_id("req"),
            model=model,
            prompt=prompt,
            sampling=sampling,
            first_token_budget=first_token_budget,
            constraints=constraints or Constraints(),
            preferences=preferences or Preferences(),
            origin=as_position(near),
        )
        record = Record()
        return Answer(self.stream(request, record, timeout=timeout), record)

    async def _run(
        self,
        request: Request,
        record: Record,
        trace: Mapping[str, str],
        started: float,
        timeout: float | None,
    ) -> AsyncGenerator[Event]:
        """Try candidates until one answers."""
        deadline = None if timeout is None else started + timeout
        walk = self._guide.walk(request, record, deadline)
        async with aclosing(walk.sendings(trace)) as sendings:
            async for sending in sendings:
                left = None if deadline is None else deadline - monotonic()
                answer = self._attempt(sending, trace, left)
                try:
                    async with aclosing(answer) as events:
                        async for event in events:
                            yield event
                    return
                except (Rejected, Evicted, *TICKET_ENDED) as error:
                    walk.go_on_after(sending, error)

    async def _attempt(
        self, sending: Sending, trace: Mapping[str, str], timeout: float | None
    ) -> AsyncGenerator[Event]:
        """Stream from one node, and learn from what it says."""
        where = sending.candidate
        async with self._connections.use(where.endpoint, where.position) as connection:
            self._guide.reached(where, connection)
            trip = Trip()
            events = attempt(connection, sending.request, trip, metadata=trace, timeout=timeout)
            async with aclosing(events):
                async for event in events:
                    if not sending.is_admitted:
                        sending.admitted(trip)
                    sending.note(event)
                    yield event
