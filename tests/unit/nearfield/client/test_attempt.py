import asyncio
from contextlib import aclosing

import pytest

from nearfield.client.attempt import Trip, attempt
from nearfield.client.connections import Connection
from nearfield.core.errors import (
    EngineDied,
    InvalidRequest,
    NotTakingWork,
    StreamBroken,
    TimedOut,
    Unreachable,
)
from nearfield.core.inference import Event
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import delta, finished, first_delta, request
from tests.support.nearfield_servers import FakeNode, Step, serve_node


async def run(
    node: FakeNode, trip: Trip | None = None, timeout: float | None = 20.0
) -> list[Event]:
    async with open_channel(node.endpoint, PLAINTEXT) as channel:
        events = attempt(
            Connection(channel),
            request(),
            trip or Trip(),
            metadata={"traceparent": "00-ab"},
            timeout=timeout,
        )
        async with aclosing(events):
            return [event async for event in events]


async def test_events_come_as_the_node_sent_them() -> None:
    steps: list[Step] = [first_delta(), delta(1, "to"), finished()]
    async with serve_node(*steps) as node:
        assert await run(node) == steps
        assert node.requests == [request()]


async def test_the_node_hears_which_trace_it_is_part_of() -> None:
    async with serve_node(finished()) as node:
        await run(node)
        assert node.metadata[0]["traceparent"] == "00-ab"


async def test_the_trip_is_measured_and_says_whether_it_was_warm() -> None:
    async with serve_node(finished()) as node, open_channel(node.endpoint, PLAINTEXT) as channel:
        trips = [Trip(), Trip()]
        for trip in trips:
            events = attempt(Connection(channel), request(), trip, metadata={}, timeout=20)
            async with aclosing(events):
                assert [event async for event in events] == [finished()]
    assert [trip.warm for trip in trips] == [False, True]
    assert all(trip.seconds > 0 for trip in trips)


@pytest.mark.parametrize(
    "error",
    [
        NotTakingWork("draining", retry_after=3.0),
        InvalidRequest("temperature -1 is not in 0 to 2", field="temperature", limit="0 to 2"),
    ],
)
async def test_what_the_node_answers_before_admission_is_raised(error: NotTakingWork) -> None:
    async with serve_node(error) as node:
        with pytest.raises(type(error)) as caught:
            await run(node)
    assert vars(caught.value) == vars(error)


async def test_an_engine_that_dies_under_the_request_is_said_so() -> None:
    async with serve_node(first_delta(), EngineDied("gone")) as node:
        with pytest.raises(EngineDied):
            await run(node)


async def test_nobody_at_the_address_is_unreachable() -> None:
    async with serve_node(finished()) as node:
        pass
    with pytest.raises(Unreachable):
        await run(node)


async def test_a_stream_that_ends_without_its_end_is_broken() -> None:
    async with serve_node(first_delta()) as node:
        with pytest.raises(StreamBroken):
            await run(node)


async def test_a_server_that_goes_away_after_admission_broke_the_stream() -> None:
    async with (
        serve_node(first_delta(), asyncio.Event()) as node,
        open_channel(node.endpoint, PLAINTEXT) as channel,
    ):
        events = attempt(Connection(channel), request(), Trip(), metadata={}, timeout=20)
        async with aclosing(events):
            assert await anext(events) == first_delta()
            await node.server.grpc.stop(None)
            with pytest.raises(StreamBroken):
                await anext(events)


async def test_a_deadline_that_passes_is_timed_out() -> None:
    async with serve_node(first_delta(), asyncio.Event()) as node:
        with pytest.raises(TimedOut):
            await run(node, timeout=0.2)


async def test_a_deadline_that_has_passed_is_timed_out_at_once() -> None:
    async with serve_node(finished()) as node:
        with pytest.raises(TimedOut):
            await run(node, timeout=-1.0)
