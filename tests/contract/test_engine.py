"""What every engine keeps, the simulated one and vLLM alike."""

import asyncio
import os
import signal
from contextlib import aclosing

import psutil
import pytest

from nearfield.core.errors import EngineDied
from nearfield.core.inference import ChatPrompt, FinishReason, Message, TextPrompt, TokenPrompt
from node_agent.engine.base import Engine
from node_agent.engine.simulated import SimulatedEngine
from tests.support.engines import SLOTS, start, tokens_of
from tests.support.node_builders import eventually

PROMPT = tuple(range(65, 97))
LONG = 1800
PROMPTS = [
    TextPrompt("What is a prefix cache?"),
    ChatPrompt((Message("system", "Be brief."), Message("user", "Hello!"))),
    TokenPrompt((5, 6, 7)),
]


@pytest.mark.parametrize("prompt", PROMPTS, ids=["text", "chat", "token ids"])
async def test_every_kind_of_prompt_becomes_token_ids(engine: Engine, prompt: TextPrompt) -> None:
    token_ids = await engine.tokenize(prompt)
    assert token_ids
    assert all(0 <= token < engine.info.vocabulary for token in token_ids)
    assert await engine.tokenize(prompt) == token_ids
    if isinstance(prompt, TokenPrompt):
        assert token_ids == prompt.token_ids


async def test_tokens_stream_and_end_with_a_reason(engine: Engine) -> None:
    pieces = [piece async for piece in start(engine, PROMPT, 12)]
    assert len(tokens_of(pieces)) == 12
    assert len(pieces) > 1
    assert pieces[-1].finish_reason is FinishReason.LENGTH
    assert all(piece.finish_reason is None for piece in pieces[:-1])


async def test_the_same_prompt_is_answered_alike_without_chance(engine: Engine) -> None:
    first, second = [
        tokens_of([piece async for piece in start(engine, PROMPT, 12)]) for _ in range(2)
    ]
    assert first == second


async def test_two_answers_are_written_at_once(engine: Engine) -> None:
    async with aclosing(start(engine, PROMPT, LONG)) as long:
        await anext(long)
        short = [piece async for piece in start(engine, PROMPT, 4)]
        assert short[-1].finish_reason is FinishReason.LENGTH
        written = len((await anext(long)).token_ids)
        assert written < LONG - 1


async def test_leaving_an_answer_frees_its_slot(engine: Engine) -> None:
    before = engine.stats().steps
    holders = [start(engine, PROMPT, LONG) for _ in range(SLOTS)]
    for holder in holders:
        await anext(holder)
    waiting = asyncio.create_task(anext(start(engine, PROMPT, 1)))
    await asyncio.wait((waiting,), timeout=0.1)
    assert not waiting.done()
    await holders[0].aclose()
    assert (await waiting).finish_reason is FinishReason.LENGTH
    # had it waited for an end, all of a long answer's steps would have passed
    assert engine.stats().steps - before < LONG
    await holders[1].aclose()


async def test_an_answer_dropped_before_its_first_token_holds_no_slot(engine: Engine) -> None:
    for _ in range(3 * SLOTS):
        dropped = asyncio.create_task(anext(start(engine, PROMPT, LONG)))
        await asyncio.sleep(0)
        dropped.cancel()
        await asyncio.gather(dropped, return_exceptions=True)
    pieces = [piece async for piece in start(engine, PROMPT, 2)]
    assert len(tokens_of(pieces)) == 2


async def test_steps_grow_with_every_answer(engine: Engine) -> None:
    seen = [engine.stats().steps]
    for _ in range(2):
        async for _ in start(engine, PROMPT, 4):
            pass
        seen.append(engine.stats().steps)
    assert seen[0] < seen[1] < seen[2]


async def test_clearing_the_prefix_cache_is_counted(engine: Engine) -> None:
    before = engine.stats().kv_cache.cleared
    await engine.clear_prefix_cache()
    assert engine.stats().kv_cache.cleared == before + 1


async def test_clearing_the_prefix_cache_disturbs_no_running_answer(engine: Engine) -> None:
    async with aclosing(start(engine, PROMPT, 40)) as running:
        pieces = [await anext(running)]
        await engine.clear_prefix_cache()
        pieces += [piece async for piece in running]
    assert len(tokens_of(pieces)) == 40


async def test_an_engine_is_alive_until_it_is_closed_and_closing_twice_is_once(
    mortal: Engine,
) -> None:
    processes = psutil.Process().children(recursive=True)
    assert mortal.alive
    await mortal.aclose()
    await mortal.aclose()
    await eventually(lambda: not mortal.alive)
    if not isinstance(mortal, SimulatedEngine):
        await eventually(lambda: len(_alive(processes)) < len(processes))


async def test_an_engine_that_dies_tells_all_who_wait_for_it(mortal: Engine) -> None:
    async with aclosing(start(mortal, PROMPT, LONG)) as running:
        await anext(running)
        _kill(mortal)
        with pytest.raises(EngineDied):
            async for _ in running:
                pass
    await eventually(lambda: not mortal.alive)
    with pytest.raises(EngineDied):
        await anext(start(mortal, PROMPT, 1))


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != "zombie"]


def _kill(engine: Engine) -> None:
    if isinstance(engine, SimulatedEngine):
        engine.die()
        return
    # the last one forked; the session's engine, if there is one, is older
    newest = max(psutil.Process().children(), key=lambda child: child.create_time())
    os.kill(newest.pid, signal.SIGKILL)
