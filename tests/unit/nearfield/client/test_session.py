import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from nearfield.client import link
from nearfield.client.attempt import Trip, attempt
from nearfield.client.connections import Connection
from nearfield.client.session import NodeSession
from nearfield.core.errors import (
    InvalidRequest,
    LimitExceeded,
    StreamBroken,
    TimedOut,
    Unreachable,
)
from nearfield.core.inference import Delta, Sampling, TextPrompt
from nearfield.core.node import NodeLoad
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.options import MESSAGE_BYTES_MOST
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import (
    LOAD,
    delta,
    eventually,
    finished,
    first_delta,
    request,
)
from tests.support.nearfield_servers import FakeNode, serve_node


@pytest.fixture
async def node() -> AsyncIterator[FakeNode]:
    async with serve_node(first_delta(), finished()) as made:
        yield made


@pytest.fixture
async def connection(node: FakeNode) -> AsyncIterator[Connection]:
    made = Connection(open_channel(node.endpoint, PLAINTEXT))
    yield made
    await made.aclose()


def ignore(load: NodeLoad) -> None:
    """Take a load that no test looks at."""


async def ask(connection: Connection, **changes: object) -> Trip:
    """Run one request to its end."""
    trip = Trip()
    events = attempt(connection, request(**changes), trip, metadata={}, timeout=20)
    async with aclosing(events):
        assert [event async for event in events][-1] == finished()
    return trip


async def test_all_requests_share_one_stream(connection: Connection) -> None:
    await asyncio.gather(*(ask(connection) for _ in range(20)))
    await ask(connection)
    assert len(connection.session._links) == 1


async def test_admission_brings_the_node_s_load(connection: Connection) -> None:
    assert (await ask(connection)).load == LOAD


async def test_only_a_session_that_has_answered_gives_a_sample_of_the_round_trip(
    connection: Connection,
) -> None:
    first, second = await ask(connection), await ask(connection)
    assert first.sample is None
    assert second.sample == second.seconds > 0


async def test_of_requests_of_one_moment_only_the_first_gives_a_sample(
    connection: Connection,
) -> None:
    await ask(connection)
    trips = await asyncio.gather(*(ask(connection) for _ in range(3)))
    assert [trip.sample is not None for trip in trips] == [True, False, False]


async def test_requests_too_large_for_one_message_together_go_apart(
    node: FakeNode, connection: Connection
) -> None:
    prompt = TextPrompt("x" * (MESSAGE_BYTES_MOST // 3))
    await asyncio.gather(*(ask(connection, prompt=prompt) for _ in range(6)))
    assert len(node.requests) == 6


async def test_a_request_too_large_for_any_message_fails_alone(connection: Connection) -> None:
    with pytest.raises(LimitExceeded) as caught:
        await ask(connection, prompt=TextPrompt("x" * MESSAGE_BYTES_MOST))
    assert (caught.value.field, caught.value.limit) == ("message", f"{MESSAGE_BYTES_MOST} bytes")
    await ask(connection)


async def test_a_request_the_protocol_cannot_hold_is_never_sent(
    node: FakeNode, connection: Connection
) -> None:
    with pytest.raises(InvalidRequest):
        await ask(connection, sampling=Sampling(max_tokens=2**40))
    assert node.requests == []


async def test_leaving_early_tells_the_node() -> None:
    async with serve_node(first_delta(), asyncio.Event()) as node:
        connection = Connection(open_channel(node.endpoint, PLAINTEXT))
        events = attempt(connection, request(), Trip(), metadata={}, timeout=20)
        assert await anext(events) == first_delta()
        await events.aclose()
        await eventually(lambda: node.cancelled == 1)
        await connection.aclose()


async def test_the_next_request_opens_a_new_stream_after_one_broke(
    node: FakeNode, connection: Connection
) -> None:
    await ask(connection)
    good, node.steps = node.steps, [first_delta()]  # without an end, the session ends
    with pytest.raises(StreamBroken):
        await ask(connection)
    node.steps = good
    await ask(connection)
    assert len(connection.session._links) == 1


async def test_a_session_that_breaks_before_admission_was_never_reached() -> None:
    async with serve_node(finished()) as node:
        channel = open_channel(node.endpoint, PLAINTEXT)
        session = NodeSession(channel, ignore)
        exchange = session.start(request(), trace={}, timeout=None)
        await session.aclose()
        with pytest.raises(Unreachable):
            await exchange.next()
        await channel.close()


async def test_closing_breaks_what_runs_and_twice_is_once() -> None:
    async with serve_node(first_delta(), asyncio.Event()) as node:
        connection = Connection(open_channel(node.endpoint, PLAINTEXT))
        events = attempt(connection, request(), Trip(), metadata={}, timeout=20)
        await anext(events)
        await connection.aclose()
        await connection.aclose()
        with pytest.raises(StreamBroken):
            await anext(events)


async def test_a_deadline_passes_where_the_node_is_silent() -> None:
    async with serve_node(asyncio.Event()) as node:
        connection = Connection(open_channel(node.endpoint, PLAINTEXT))
        events = attempt(connection, request(), Trip(), metadata={}, timeout=0.1)
        with pytest.raises(TimedOut):
            await anext(events)
        await eventually(lambda: node.cancelled == 1)
        await connection.aclose()


async def test_spent_stream_numbers_open_another_stream_beside_what_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "LAST_STREAM", 1)
    step = asyncio.Event()
    async with serve_node(first_delta(), step, finished()) as node:
        connection = Connection(open_channel(node.endpoint, PLAINTEXT))
        events = attempt(connection, request(), Trip(), metadata={}, timeout=20)
        await anext(events)
        step.set()
        await ask(connection)
        assert await anext(events) == finished()
        await connection.aclose()


async def test_a_node_that_sends_more_than_its_reader_has_room_for_is_left() -> None:
    pieces = [delta(seq, "x") for seq in range(1100)]
    async with serve_node(*pieces, asyncio.Event()) as node:
        channel = open_channel(node.endpoint, PLAINTEXT)
        session = NodeSession(channel, ignore, window_tokens=8)
        exchange = session.start(request(), trace={}, timeout=None)
        await eventually(lambda: node.cancelled == 1)
        received = [await exchange.next() for _ in range(8 + 1024)]
        assert all(isinstance(one, Delta) for one in received)
        with pytest.raises(StreamBroken):
            await exchange.next()
        await session.aclose()
        await channel.close()


async def test_a_session_that_is_opened_early_is_the_one_that_requests_use(
    node: FakeNode,
) -> None:
    node.tells = LOAD
    heard: list[NodeLoad] = []
    connection = Connection(open_channel(node.endpoint, PLAINTEXT), hear=heard.append)
    for _ in range(2):
        connection.session.open()
    await eventually(lambda: heard)
    first = await ask(connection)
    assert first.sample is not None
    assert (heard, len(connection.session._links)) == ([LOAD], 1)
    await connection.aclose()
