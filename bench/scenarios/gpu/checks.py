"""Whether a node answers as it should: through the control plane, as a client sees it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bench.scenarios.fleet import Fleet
from bench.workload import Synthetic
from nearfield.client.admin import AdminClient
from nearfield.client.client import Client
from nearfield.core.clock import monotonic
from nearfield.core.errors import InternalError
from nearfield.core.inference import FinishReason, Usage

PROMPT_WORDS = 128
ANSWER_TOKENS = 48
_CLEARED_SECONDS = 10.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole answer."""

    token_ids: tuple[int, ...]
    reason: FinishReason
    usage: Usage


async def run_checks(fleet: Fleet, node: str) -> list[Check]:
    """Ask the same three times: fresh, again, and with the cache cleared."""
    prompt = Synthetic(PROMPT_WORDS, ANSWER_TOKENS, seed=1).item(0).prompt
    security, token = fleet.access.security, fleet.access.token
    async with (
        Client(fleet.control_plane, token=token, security=security) as client,
        AdminClient(fleet.admin, security) as operator,
    ):
        first = await _ask(client, prompt)
        again = await _ask(client, prompt)
        await _clear_cache(operator, node)
        anew = await _ask(client, prompt)
    return judge(first, again, anew)


def judge(first: Reply, again: Reply, anew: Reply) -> list[Check]:
    """Return what three answers to one prompt show: fresh, cached, and fresh once more."""
    return [
        Check("the stream ends at the length asked for", _ends(first), first.reason),
        Check("token counts are right", _counts(first), f"{len(first.token_ids)}, {first.usage}"),
        Check(
            "a repeated prompt is found in the prefix cache",
            first.usage.cached_prompt_tokens == 0 < again.usage.cached_prompt_tokens,
            f"{again.usage.cached_prompt_tokens} of {again.usage.prompt_tokens} tokens",
        ),
        Check(
            "a cleared prefix cache is empty",
            anew.usage.cached_prompt_tokens == 0,
            f"{anew.usage.cached_prompt_tokens} tokens",
        ),
        # Not against the cached answer: its prefill is cut elsewhere, and rounds otherwise.
        Check(
            "a greedy answer is repeatable",
            first.token_ids == anew.token_ids,
            f"{_in_common(first, anew)} of {len(first.token_ids)} tokens in common",
        ),
    ]


def _ends(reply: Reply) -> bool:
    return reply.reason is FinishReason.LENGTH


def _counts(reply: Reply) -> bool:
    return len(reply.token_ids) == reply.usage.completion_tokens == ANSWER_TOKENS


def _in_common(one: Reply, other: Reply) -> int:
    pairs = zip(one.token_ids, other.token_ids, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), len(one.token_ids))


async def _ask(client: Client, prompt: str) -> Reply:
    asked: dict[str, Any] = {"temperature": 0.0, "max_tokens": ANSWER_TOKENS, "ignore_eos": True}
    answer = client.generate(prompt, **asked)
    ids = tuple([token for chunk in [one async for one in answer] for token in chunk.token_ids])
    if answer.usage is None or answer.finish_reason is None:
        raise InternalError("an answer ended without saying how")
    return Reply(ids, answer.finish_reason, answer.usage)


async def _clear_cache(admin: AdminClient, node: str) -> None:
    """Clear and wait until the node says that it has."""
    before = (await admin.node(node)).load.kv_cache.cleared
    await admin.clear_prefix_cache(node)
    end = monotonic() + _CLEARED_SECONDS
    while (await admin.node(node)).load.kv_cache.cleared == before:
        if monotonic() > end:
            raise InternalError(f"the cache is not cleared after {_CLEARED_SECONDS:g} s")
        await asyncio.sleep(_POLL_SECONDS)
