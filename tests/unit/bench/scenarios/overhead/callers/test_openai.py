import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bench.scenarios.overhead.callers.openai import open_caller
from nearfield.core.clock import monotonic
from nearfield.core.errors import Rejected, StreamBroken

USAGE = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}


def piece(text: str) -> dict[str, Any]:
    return {"choices": [{"text": text}], "usage": None}


class Server:
    """Streams the same events for every request, and notes when it wrote each."""

    def __init__(self, events: list[Any], status: int = 200) -> None:
        self.events = events
        self.status = status
        self.asked: list[dict[str, Any]] = []
        self.wrote: list[float] = []

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        reply = web.StreamResponse(status=self.status)
        await reply.prepare(request)
        for event in self.events:
            data = event if isinstance(event, str) else json.dumps(event)
            self.wrote.append(monotonic())
            await reply.write(f"data: {data}\n\n".encode())
        return reply


@asynccontextmanager
async def serving(*events: Any, status: int = 200) -> AsyncIterator[tuple[Server, str]]:
    server = Server(list(events), status)
    app = web.Application()
    app.router.add_post("/v1/completions", server.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield server, f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_the_server_is_asked_for_greedy_answers_of_a_fixed_length() -> None:
    async with (
        serving(piece("a"), USAGE, "[DONE]") as (server, address),
        open_caller(address, "bench") as call,
    ):
        sample = await call("some words", 2)
    (body,) = server.asked
    assert (body["model"], body["prompt"], body["max_tokens"]) == ("bench", "some words", 2)
    assert (body["temperature"], body["ignore_eos"], body["stream"]) == (0.0, True, True)
    assert (sample.prompt_tokens, sample.completion_tokens) == (5, 2)


async def test_only_text_counts_as_the_first_token() -> None:
    async with serving(piece(""), piece("a"), USAGE, "[DONE]") as (server, address):
        async with open_caller(address) as call:
            with_text = await call("some words", 2)
        server.events[1] = piece("")
        async with open_caller(address) as call:
            without = await call("some words", 2)
    assert with_text.first_token is not None
    assert with_text.first_token >= server.wrote[1]
    assert without.first_token is None


async def test_cached_tokens_are_read_where_the_server_tells_them() -> None:
    usage = {**USAGE["usage"], "prompt_tokens_details": {"cached_tokens": 4}}
    async with (
        serving(piece("a"), {"choices": [], "usage": usage}) as (_, address),
        open_caller(address) as call,
    ):
        assert (await call("some words", 2)).cached_prompt_tokens == 4


@pytest.mark.parametrize(
    ("events", "status", "kind", "message"),
    [
        ([piece("a"), "[DONE]"], 200, StreamBroken, "0 tokens came where 2"),
        ([piece("a"), {"error": "too long"}], 200, StreamBroken, "too long"),
        (["no such model"], 404, Rejected, "status 404: .*no such model"),
    ],
)
async def test_an_answer_that_is_not_whole_is_an_error(
    events: list[Any], status: int, kind: type[Exception], message: str
) -> None:
    async with serving(*events, status=status) as (_, address), open_caller(address) as call:
        with pytest.raises(kind, match=message):
            await call("some words", 2)


async def test_a_server_that_is_gone_is_an_error() -> None:
    async with serving() as (_, address):
        pass
    async with open_caller(address) as call:
        with pytest.raises(StreamBroken, match="ClientConnectorError"):
            await call("some words", 2)
