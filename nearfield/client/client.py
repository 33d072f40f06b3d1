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
from nearfield.client.leases import Leases
from nearfield.client.prompts import as_messages, as_position, as_prompt
from nearfield.client.round_trips import RoundTrips
from nearfield.client.routing import Routes
from nearfield.client.telemetry import ClientTelemetry
from nearfield.client.walk import Walk
from nearfield.core.clock import monotonic
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
from nearfield.core.route import Candidate, Explanation, Lease, RouteQuery


class Client:
    """Streams answers from the node that can give the first token soonest.

    `target` is the control plane's `host:port`. A lease answers where to go for half a
    minute, so most requests ask the control plane nothing. Use it as `async with`.
    """

    def __init__(
        self,
        target: str,
        *,
        dialer: Dialer = direct,
        tracer: Tracer | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._routes = Routes(target, dialer)
        self._leases = Leases(self._routes.route)
        self._connections = Connections(dialer)
        self._round_trips = RoundTrips()
        self._telemetry = ClientTelemetry(tracer, meter)

    def generate(
        self,
        prompt: str | Sequence[int],
        *,
        model: str = "",
        near: Position | tuple[float, float] | None = None,
        sampling: Sampling | None = None,
        timeout: float | None = None,
        **values: Any,
    ) -> Answer:
        """Go on from a text or from token ids.

        `near` is where this process is, (latitude, longitude) in degrees; `values` are
        fields of Sampling such as `max_tokens=64`; `timeout` is seconds for the whole
        answer. Iterating raises a NearfieldError where no node can answer.
        """
        return self._answer(as_prompt(prompt), model, near, sampling, timeout, values)

    def chat(
        self,
        messages: str | Sequence[Message | Mapping[str, str]],
        *,
        model: str = "",
        near: Position | tuple[float, float] | None = None,
        sampling: Sampling | None = None,
        timeout: float | None = None,
        **values: Any,
    ) -> Answer:
        """Answer a conversation, or one question; see `generate`."""
        prompt = ChatPrompt(as_messages(messages))
        return self._answer(prompt, model, near, sampling, timeout, values)

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

    async def aclose(self) -> None:
        """Close every connection; twice is once."""
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
        sampling: Sampling | None,
        timeout: float | None,
        values: dict[str, Any],
    ) -> Answer:
        request = Request(
            request_id=new_id("req"),
            model=model,
            prompt=prompt,
            sampling=replace(sampling or Sampling(), **values),
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
        walk = Walk(request, self._leases, self._round_trips, record, deadline)
        async with aclosing(walk.candidates(trace)) as candidates:
            async for candidate, sent in candidates:
                left = None if deadline is None else deadline - monotonic()
                answer = self._attempt(candidate, sent, record, trace, left)
                try:
                    async with aclosing(answer) as events:
                        async for event in events:
                            yield event
                    return
                except (Rejected, Evicted) as error:
                    walk.go_on_after(candidate, error)

    async def _attempt(
        self,
        candidate: Candidate,
        request: Request,
        record: Record,
        trace: Mapping[str, str],
        timeout: float | None,
    ) -> AsyncGenerator[Event]:
        """Stream from one node, and learn its round trip."""
        async with self._connections.use(candidate.endpoint, candidate.position) as connection:
            trip = Trip()
            events = attempt(connection, request, trip, metadata=trace, timeout=timeout)
            async with aclosing(events):
                async for event in events:
                    if record.provenance is None:
                        self._note_trip(candidate, trip, record)
                    yield event

    def _note_trip(self, candidate: Candidate, trip: Trip, record: Record) -> None:
        record.split.round_trip = trip.seconds
        record.split.warm = trip.warm
        if trip.warm:
            self._round_trips.observe(candidate.node, trip.seconds)
