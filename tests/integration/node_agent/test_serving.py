"""A node process on its own, as any gRPC client meets it."""

import asyncio
from itertools import pairwise

import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from nearfield.core.errors import InvalidRequest, Overloaded, TimedOut
from nearfield.core.inference import (
    ChatPrompt,
    Delta,
    Event,
    FinishReason,
    Message,
    Prompt,
    Request,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from node_agent import demo_model
from node_agent.demo_model.questions import EXCHANGES
from node_agent.weights.digest import model_digest
from tests.support.node_builders import Caller, end_of, request, text_of, whole
from tests.support.node_process import Process

pytestmark = pytest.mark.engine
HELLO = EXCHANGES[0]
MARKER = "Zaunkoenigsnest"


def demo(prompt: Prompt, **sampling: object) -> Request:
    values = Sampling(**{"temperature": 0.0, **sampling})  # type: ignore[arg-type]
    return request(prompt, model="demo", sampling=values)


def chat(text: str) -> ChatPrompt:
    return ChatPrompt((Message("user", text),))


def endless() -> Request:
    return demo(chat("Hello!"), ignore_eos=True, max_tokens=1900)


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        (chat(HELLO.question), HELLO.answer),
        (TextPrompt(HELLO.question), f"\n{HELLO.answer}"),
    ],
    ids=["chat", "text"],
)
async def test_a_node_answers_as_the_model_was_taught(
    caller: Caller, prompt: Prompt, answer: str
) -> None:
    events = await caller.ask(demo(prompt))
    assert text_of(events) == answer
    assert end_of(events).reason is FinishReason.STOP
    assert end_of(events).usage.completion_tokens > 10


async def test_token_ids_are_answered_one_for_one(caller: Caller) -> None:
    events = await caller.ask(demo(TokenPrompt((10, 20, 30)), max_tokens=7, ignore_eos=True))
    deltas = [event for event in events if isinstance(event, Delta)]
    assert sum(len(delta.token_ids) for delta in deltas) == 7
    assert deltas[0].seq == 0
    for before, after in pairwise(deltas):
        assert after.seq == before.seq + len(before.token_ids)
    assert end_of(events).usage.prompt_tokens == 3


async def test_the_first_piece_tells_where_and_by_what_it_was_made(caller: Caller) -> None:
    first, *_ = await caller.ask(demo(chat("Hello!")))
    assert isinstance(first, Delta)
    assert first.provenance is not None
    assert (first.provenance.node, first.provenance.pop) == ("fra1-a", "fra1")
    assert first.provenance.model_digest == model_digest(demo_model.PATH)
    assert first.timings is not None
    assert first.timings.node >= first.timings.prefill > 0


async def test_an_answer_ends_with_the_nodes_load(caller: Caller) -> None:
    load = end_of(await caller.ask(demo(chat("Hello!")))).load
    assert (load.slots, load.running, load.waiting) == (2, 0, 0)
    assert load.kv_cache.capacity_tokens == 64 * 1024 * 1024 // 1024
    assert load.steps > 0


async def test_health_is_told_for_the_node_and_its_service(caller: Caller) -> None:
    assert await caller.serving()
    assert await caller.serving("nearfield.v1.Inference")


async def test_reflection_lists_what_is_served(caller: Caller) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(caller.channel)
    call = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    )
    answer = await call.read()
    call.cancel()
    names = {service.name for service in answer.list_services_response.service}
    assert {"nearfield.v1.Inference", "grpc.health.v1.Health"} <= names


async def test_cancelling_a_call_frees_its_slot(caller: Caller) -> None:
    calls = [caller.start(endless()) for _ in range(2)]
    for call in calls:
        assert dict(await call.initial_metadata())["nearfield-admitted"] == "1"
    with pytest.raises(Overloaded) as caught:
        await caller.ask(demo(chat("Hello!")))
    assert caught.value.field == "engine.queue"
    calls[0].cancel()
    assert text_of(await ask_until_admitted(caller)) == HELLO.answer
    assert not calls[1].done()
    calls[1].cancel()


async def ask_until_admitted(caller: Caller) -> list[Event]:
    while True:
        try:
            return await caller.ask(demo(chat(HELLO.question)))
        except Overloaded:
            await asyncio.sleep(0.01)


async def test_a_deadline_ends_the_work_as_well(caller: Caller) -> None:
    short, long = caller.start(endless(), timeout=0.2), caller.start(endless())
    with pytest.raises(TimedOut):
        await whole(short)
    assert text_of(await ask_until_admitted(caller)) == HELLO.answer
    assert not long.done()
    long.cancel()


async def test_no_prompt_and_no_answer_is_ever_logged(node: tuple[Process, Caller]) -> None:
    process, caller = node
    for prompt in (chat(f"{MARKER} Hello!"), TextPrompt(f"{MARKER}, hello?")):
        await caller.ask(demo(prompt, max_tokens=5))
    secret = demo(chat(HELLO.question), stop=(MARKER,))
    assert text_of(await caller.ask(secret)) == HELLO.answer
    for bad in (
        ChatPrompt((Message("tool", MARKER),)),
        chat(f"{MARKER} " * 3000),
        TextPrompt(f"{MARKER} " * 3000),
    ):
        with pytest.raises(InvalidRequest):
            await whole(caller.start(demo(bad)))
    log = process.log
    assert " DEBUG " in log
    assert MARKER not in log
    assert HELLO.answer not in log
