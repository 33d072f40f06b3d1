"""What holds for an answer on its way, over a session and over a call of its own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import pairwise

import grpc
import pytest

from nearfield.client.budget import FIELD
from nearfield.core.errors import (
    EngineDied,
    InvalidRequest,
    NotTakingWork,
    Overloaded,
    SlowReader,
    StreamBroken,
    TimedOut,
    UnknownModel,
)
from nearfield.core.inference import Delta, Event, Finished, Request, Sampling
from nearfield.core.node import Desired, Intake, NodeLoad
from nearfield.core.session import WINDOW_TOKENS
from node_agent.session import session
from node_agent.session.outbox import UNREAD_TOKENS_MOST
from tests.support.node_builders import end_of, eventually, request, text_of
from tests.support.transports import Ask, Served, desk, served, whole

MANY = 200


@pytest.fixture(params=["session", "plain"])
def transport(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


def asker(node: Served, transport: str) -> Ask:
    ask: Ask = getattr(node, transport)
    return ask


def endless(**changes: object) -> Request:
    return request(sampling=Sampling(max_tokens=16_000), **changes)


def tokens_of(events: list[Event]) -> tuple[int, ...]:
    deltas = [event for event in events if isinstance(event, Delta)]
    assert deltas[0].seq == 0
    for before, after in pairwise(deltas):
        assert after.seq == before.seq + len(before.token_ids)
    return tuple(token for delta in deltas for token in delta.token_ids)


async def test_an_answer_arrives_whole_and_in_order(transport: str) -> None:
    async with served(desk()) as node:
        events = await whole(asker(node, transport)(request("in order")))
    assert text_of(events) == "in order"
    assert tokens_of(events) == tuple(b"in order")
    assert end_of(events).usage.completion_tokens == 8


async def test_only_the_first_piece_says_where_it_is_made(transport: str) -> None:
    async with served(desk()) as node:
        first, *rest = await whole(asker(node, transport)(request("where")))
    assert isinstance(first, Delta)
    assert first.provenance is not None
    assert first.provenance.node == "fra1-a"
    assert all(one.provenance is None for one in rest if isinstance(one, Delta))


async def test_many_answers_at_once_are_each_what_they_are_alone(transport: str) -> None:
    wanted = [
        request(f"{index} of many", sampling=Sampling(max_tokens=5 + index % 40))
        for index in range(MANY)
    ]
    alone = [tokens_of(await desk(step_seconds=0.0).answer(one)) for one in wanted[:40]]
    async with served(desk(queue=MANY, slots=64)) as node:
        ask = asker(node, transport)
        answers = await asyncio.gather(*(whole(ask(one)) for one in wanted))
        assert node.desk.workload.in_flight == 0
    assert [tokens_of(events) for events in answers[:40]] == alone
    for one, events in zip(wanted, answers, strict=True):
        assert len(tokens_of(events)) == one.sampling.max_tokens
        assert isinstance(events[-1], Finished)


async def test_an_answer_left_early_frees_its_slot_and_no_other(transport: str) -> None:
    async with served(desk()) as node:
        ask = asker(node, transport)
        async with aclosing(ask(endless())) as staying:
            await anext(staying)
            async with aclosing(ask(endless())) as leaving:
                await anext(leaving)
                assert node.desk.workload.in_flight == 2
            await eventually(lambda: node.desk.workload.in_flight == 1)
            assert isinstance(await anext(staying), Delta)


async def test_a_caller_that_goes_away_frees_all_its_slots(transport: str) -> None:
    async with served(desk()) as node:
        ask = asker(node, transport)
        answers = [ask(endless()) for _ in range(4)]
        for events in answers:
            await anext(events)
        assert node.desk.workload.in_flight == 4
        await node.connection.aclose()
        await eventually(lambda: node.desk.workload.in_flight == 0)
        for events in answers:
            await events.aclose()


async def test_a_deadline_ends_the_answer_and_frees_the_slot(transport: str) -> None:
    async with served(desk()) as node:
        with pytest.raises(TimedOut):
            await whole(asker(node, transport)(endless(), timeout=0.1))
        await eventually(lambda: node.desk.workload.in_flight == 0)


@pytest.mark.parametrize(
    ("wanted", "error", "field"),
    [
        (request("", model="other"), UnknownModel, "model"),
        (request(sampling=Sampling(top_p=7.0)), InvalidRequest, "sampling.top_p"),
    ],
)
async def test_a_bad_request_is_refused_by_its_field(
    transport: str, wanted: Request, error: type[Exception], field: str
) -> None:
    async with served(desk()) as node:
        with pytest.raises(error) as caught:
            await whole(asker(node, transport)(wanted))
    assert vars(caught.value)["field"] == field


async def test_a_full_node_refuses_at_once_and_says_when_to_try_again(transport: str) -> None:
    async with served(desk(queue=0, slots=1)) as node:
        ask = asker(node, transport)
        async with aclosing(ask(endless())) as running:
            await anext(running)
            with pytest.raises(Overloaded) as caught:
                await whole(ask(request()))
    assert caught.value.field == "engine.queue"
    assert caught.value.retry_after is not None


async def test_a_cordoned_node_refuses_and_goes_on_with_what_runs(transport: str) -> None:
    async with served(desk()) as node:
        ask = asker(node, transport)
        async with aclosing(ask(endless())) as running:
            await anext(running)
            await node.desk.intake.apply(Desired(1, Intake.CORDONED))
            with pytest.raises(NotTakingWork):
                await whole(ask(request()))
            assert isinstance(await anext(running), Delta)


async def test_an_engine_that_dies_evicts_every_answer(transport: str) -> None:
    async with served(desk()) as node:
        answers = [asker(node, transport)(endless()) for _ in range(3)]
        for events in answers:
            await anext(events)
        node.desk.engine.die()
        for events in answers:
            with pytest.raises(EngineDied):
                await whole(events)
        assert node.desk.workload.in_flight == 0


async def test_a_connection_that_breaks_in_the_middle_is_said_so(transport: str) -> None:
    async with served(desk()) as node:
        answers = [asker(node, transport)(endless()) for _ in range(3)]
        for events in answers:
            await anext(events)
        await node.server.grpc.stop(None)
        for events in answers:
            with pytest.raises(StreamBroken):
                await whole(events)
        await eventually(lambda: node.desk.workload.in_flight == 0)


async def test_a_reader_that_stops_holds_no_other_up(transport: str) -> None:
    async with served(desk(step_seconds=0.0)) as node:
        ask = asker(node, transport)
        async with aclosing(ask(endless())) as unread:
            await anext(unread)
            assert text_of(await whole(ask(request("others go on")))) == "others go on"


async def test_a_session_s_reader_that_stops_for_long_is_evicted_and_can_be_resumed() -> None:
    async with served(desk(step_seconds=0.0)) as node:
        events = node.session(endless())
        read = [await anext(events)]
        await eventually(lambda: node.desk.workload.in_flight == 0)
        with pytest.raises(SlowReader) as caught:
            await read_into(read, events)
    assert caught.value.resumable
    assert len(tokens_of(read)) >= WINDOW_TOKENS


async def test_the_reader_of_a_call_of_its_own_may_take_all_its_time() -> None:
    wanted = request(sampling=Sampling(max_tokens=UNREAD_TOKENS_MOST * 2))
    async with served(desk(step_seconds=0.0)) as node:
        events = node.plain(wanted)
        read = [await anext(events)]
        await whole(node.plain(wanted))
        await read_into(read, events)
    assert len(tokens_of(read)) == UNREAD_TOKENS_MOST * 2


async def read_into(read: list[Event], events: AsyncGenerator[Event]) -> None:
    async with aclosing(events):
        async for event in events:
            read.append(event)


async def test_an_answer_longer_than_the_window_arrives_whole(transport: str) -> None:
    wanted = request(sampling=Sampling(max_tokens=WINDOW_TOKENS * 3))
    async with served(desk(step_seconds=0.0)) as node:
        events = await whole(asker(node, transport)(wanted))
    assert len(tokens_of(events)) == WINDOW_TOKENS * 3


async def test_a_session_hears_the_load_as_it_opens_and_as_others_change_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "LOAD_SECONDS", 0.01)
    heard: list[NodeLoad] = []
    async with served(desk(slots=2)) as node:
        node.connection.hear = heard.append
        node.connection.session.open()
        await eventually(lambda: heard)
        assert (heard[0].running, heard[0].slots) == (0, 2)
        async with aclosing(node.plain(endless())) as others:
            await anext(others)
            await eventually(lambda: heard[-1].running == 1)
        await eventually(lambda: heard[-1].running == 0)


async def test_a_node_that_is_full_declines_a_budget_and_says_how_long_it_takes(
    transport: str,
) -> None:
    async with served(desk(slots=1)) as node:
        ask = asker(node, transport)
        async with aclosing(ask(endless())) as running:
            await anext(running)
            with pytest.raises(Overloaded) as caught:
                await whole(ask(request("now", first_token_budget=0.5)))
            assert caught.value.field == FIELD
            assert caught.value.retry_after == 1.0
            assert node.desk.workload.in_flight == 1
        assert text_of(await whole(ask(request("later")))) == "later"


async def test_an_idle_session_does_not_keep_a_node_from_stopping() -> None:
    async with served(desk()) as node:
        session_call = node.stub.Session()
        assert (await session_call.read()).replies[0].HasField("load")
        await node.server.aclose()
        # Not CANCELLED, which is what the grace for calls ends in.
        assert await session_call.code() is grpc.StatusCode.OK
