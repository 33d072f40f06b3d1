"""A node over a session, by the client's own connection layer, past routing."""

import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from bench.sample import Sample
from bench.scenarios.fleet import SERVED_NAME
from bench.scenarios.overhead.callers.base import Call, Heard, sampling
from nearfield.client.attempt import Trip, attempt
from nearfield.client.client import Client
from nearfield.client.connections import Connections
from nearfield.client.dialing import direct
from nearfield.core.clock import Clock, monotonic
from nearfield.core.identity import new_id
from nearfield.core.inference import Delta, Request, TextPrompt
from nearfield.core.route import RouteQuery
from nearfield.core.rpc.tls import from_environment

CONTROL_PLANE_VARIABLE = "NEARFIELD_CONTROL_PLANE"
TOKEN_VARIABLE = "NEARFIELD_TOKEN"
_RENEW_SECONDS = 300.0
"""A ticket holds for three times as long."""


@asynccontextmanager
async def open_caller(target: str, model: str = SERVED_NAME) -> AsyncIterator[Call]:
    """Call the node at `target`, on one connection for all requests.

    The ticket comes from the control plane that the environment names; without one the node
    is asked without a ticket, which one that stands alone allows.
    """
    connections = Connections(direct, from_environment())
    tickets = Tickets(model)

    async def call(prompt: str, max_tokens: int) -> Sample:
        heard = Heard(max_tokens)
        request = Request(
            new_id("req"),
            model,
            TextPrompt(prompt),
            sampling(max_tokens),
            ticket=await tickets.get(),
        )
        async with connections.use(target, None) as connection:
            events = attempt(connection, request, Trip(), metadata={}, timeout=None)
            async with aclosing(events):
                async for event in events:
                    if not isinstance(event, Delta):
                        usage = event.usage
                        heard.prompt_tokens = usage.prompt_tokens
                        heard.cached_prompt_tokens = usage.cached_prompt_tokens
                        heard.completion_tokens = usage.completion_tokens
                    else:
                        heard.take(event.text)
        return heard.sample()

    try:
        yield call
    finally:
        await connections.aclose()


class Tickets:
    """One ticket for all requests, asked for anew now and then."""

    def __init__(self, model: str, clock: Clock = monotonic) -> None:
        self._model = model
        self._clock = clock
        self._control_plane = os.environ.get(CONTROL_PLANE_VARIABLE, "")
        self._ticket, self._until = "", float("-inf")

    async def get(self) -> str:
        """Return a ticket that holds, empty where there is no control plane."""
        if self._control_plane and self._clock() >= self._until:
            token = os.environ.get(TOKEN_VARIABLE, "")
            async with Client(self._control_plane, token=token) as client:
                self._ticket = (await client.route(RouteQuery(self._model))).ticket
            self._until = self._clock() + _RENEW_SECONDS
        return self._ticket
