"""A node over gRPC, by the client's own connection layer, past routing."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from bench.sample import Sample
from bench.scenarios.fleet import SERVED_NAME
from bench.scenarios.overhead.callers.base import Call, Heard, sampling
from nearfield.client.attempt import Trip, attempt
from nearfield.client.connections import Connections
from nearfield.client.dialing import direct
from nearfield.core.identity import new_id
from nearfield.core.inference import Delta, Request, TextPrompt


@asynccontextmanager
async def open_caller(target: str, model: str = SERVED_NAME) -> AsyncIterator[Call]:
    """Call the node at `target`, on one connection for all requests."""
    connections = Connections(direct)

    async def call(prompt: str, max_tokens: int) -> Sample:
        heard = Heard(max_tokens)
        request = Request(new_id("req"), model, TextPrompt(prompt), sampling(max_tokens))
        async with connections.use(target, None) as connection:
            trip = Trip()
            events = attempt(connection, request, trip, metadata={}, timeout=None)
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
