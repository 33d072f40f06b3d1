"""vLLM's OpenAI server over HTTP, streaming server-sent events."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench.sample import Sample
from bench.scenarios.fleet import SERVED_NAME
from bench.scenarios.overhead.callers.base import Call, Heard
from nearfield.core.errors import Rejected, StreamBroken

_DATA = b"data: "
_DONE = b"[DONE]"


@asynccontextmanager
async def open_caller(target: str, model: str = SERVED_NAME) -> AsyncIterator[Call]:
    """Call the server at `target`, host:port, on connections that stay open."""
    url = f"http://{target}/v1/completions"
    # No limit, so that no request waits here for a connection.
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=None)
    ) as session:

        async def call(prompt: str, max_tokens: int) -> Sample:
            heard = Heard(max_tokens)
            try:
                async with session.post(url, json=_body(model, prompt, max_tokens)) as reply:
                    if reply.status != 200:
                        raise Rejected(f"status {reply.status}: {await reply.text()}")
                    async for line in reply.content:
                        _hear(heard, line)
            except aiohttp.ClientError as error:
                raise StreamBroken(f"{type(error).__name__}: {error}") from None
            return heard.sample()

        yield call


def _body(model: str, prompt: str, max_tokens: int) -> dict[str, Any]:
    return {
        "model": model,
        "prompt": prompt,
        "max_tokens": max_tokens,
        "temperature": 0.0,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _hear(heard: Heard, line: bytes) -> None:
    data = line.removeprefix(_DATA).strip()
    if not line.startswith(_DATA) or data == _DONE:
        return
    event = json.loads(data)
    if "error" in event:
        raise StreamBroken(f"the server says: {event['error']}")
    for choice in event["choices"]:
        heard.take(choice["text"])
    if usage := event.get("usage"):
        heard.prompt_tokens = usage["prompt_tokens"]
        heard.completion_tokens = usage["completion_tokens"]
        details = usage.get("prompt_tokens_details") or {}
        heard.cached_prompt_tokens = details.get("cached_tokens") or 0
