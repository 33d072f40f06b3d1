import asyncio
import gc
from typing import Any

import pytest

from nearfield.core.geo import Position, expected_round_trip
from nearfield.local.wan import Relay, WanDialer
from tests.support.nearfield_builders import eventually
from tests.support.relays import Far, connect, exchange, relayed, reset

ROUND_TRIP = 0.1
TICK = 0.001
"""What a sleep of the event loop may fall short of."""
PARIS = Position(48.86, 2.35)
FRANKFURT = Position(50.11, 8.68)


@pytest.fixture
def far() -> Far:
    return Far()


async def test_bytes_come_through_whole_and_in_order(far: Far) -> None:
    data = bytes(range(256)) * 8192
    async with relayed(far) as address:
        streams = await connect(address)
        assert await exchange(streams, data) == data
        streams[1].close()


async def test_the_first_answer_takes_the_handshake_and_a_round_trip(far: Far) -> None:
    loop = asyncio.get_running_loop()
    async with relayed(far, ROUND_TRIP) as address:
        started = loop.time()
        streams = await connect(address)
        await exchange(streams, b"ping")
        assert loop.time() - started >= 2 * ROUND_TRIP - TICK
        streams[1].close()


async def test_every_later_answer_takes_a_round_trip(far: Far) -> None:
    loop = asyncio.get_running_loop()
    async with relayed(far, ROUND_TRIP) as address:
        streams = await connect(address)
        await exchange(streams, b"ping")
        for _ in range(3):
            started = loop.time()
            await exchange(streams, b"ping")
            assert loop.time() - started >= ROUND_TRIP - TICK
        streams[1].close()


async def test_what_is_sent_together_arrives_together(far: Far) -> None:
    loop = asyncio.get_running_loop()
    async with relayed(far, ROUND_TRIP) as address:
        reader, writer = streams = await connect(address)
        await exchange(streams, b"ping")
        started = loop.time()
        for _ in range(50):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(50 * ROUND_TRIP):  # what one after the other would take
            await reader.readexactly(50)
        assert loop.time() - started >= ROUND_TRIP - TICK
        writer.close()


async def test_an_end_of_sending_reaches_the_far_end_and_its_answer_comes_back(far: Far) -> None:
    far.handler = far.answer_at_the_end
    async with relayed(far) as address:
        reader, writer = await connect(address)
        writer.write(b"all of it")
        writer.write_eof()
        async with asyncio.timeout(20):
            assert await reader.read() == b"got all of it"
        writer.close()


async def test_a_close_reaches_the_far_end(far: Far) -> None:
    async with relayed(far) as address:
        streams = await connect(address)
        await exchange(streams, b"ping")
        streams[1].close()
        await eventually(lambda: far.ended == 1)


async def test_a_reset_reaches_the_far_end(far: Far) -> None:
    async with relayed(far) as address:
        streams = await connect(address)
        await exchange(streams, b"ping")
        reset(streams[1])
        await eventually(lambda: far.ended == 1)


async def test_a_reset_reaches_a_far_end_that_only_sends(far: Far) -> None:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    far.handler = pour
    async with relayed(far) as address:
        reader, writer = await connect(address)
        await reader.readexactly(1)
        reset(writer)
        await eventually(lambda: far.ended == 1)


async def test_a_reset_at_the_far_end_reaches_the_caller(far: Far) -> None:
    async def reset_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        reset(writer)

    far.handler = reset_at_once
    async with relayed(far) as address:
        reader, writer = await connect(address)
        writer.write(b"ping")
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()


async def test_nobody_at_the_endpoint_ends_the_connection_and_tells_nobody_else() -> None:
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    relay = Relay("127.0.0.1:1", 0.0)
    try:
        reader, writer = await connect(await relay.start())
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        await relay.aclose()
        gc.collect()
    finally:
        loop.set_exception_handler(None)
    assert complaints == []


def relay_tasks() -> list[asyncio.Task[Any]]:
    """What still runs of the relays; other tests share the loop."""
    return [task for task in asyncio.all_tasks() if "Relay." in repr(task.get_coro())]


async def test_closing_cuts_every_connection_and_leaves_nothing_behind(far: Far) -> None:
    async with relayed(far) as address:
        streams = [await connect(address) for _ in range(5)]
        for each in streams:
            await exchange(each, b"ping")
    async with asyncio.timeout(20):
        assert [await reader.read() for reader, _ in streams] == [b""] * 5
    await eventually(lambda: far.ended == 5)
    for _, writer in streams:
        writer.close()
    await eventually(lambda: not relay_tasks())
    with pytest.raises(ConnectionRefusedError):
        await connect(address)


async def test_closing_a_relay_that_was_never_started_is_nothing() -> None:
    await Relay("127.0.0.1:1", 1.0).aclose()


async def test_a_dialer_makes_one_relay_for_each_endpoint(far: Far) -> None:
    async with WanDialer(PARIS, FRANKFURT) as dialer:
        first = await dialer("127.0.0.1:1", FRANKFURT)
        assert await dialer("127.0.0.1:1", FRANKFURT) == first
        assert await dialer("127.0.0.1:2", FRANKFURT) != first


async def test_dialling_one_endpoint_twice_at_once_makes_one_relay_too() -> None:
    async with WanDialer(PARIS, FRANKFURT) as dialer:
        addresses = await asyncio.gather(*(dialer("127.0.0.1:1", None) for _ in range(5)))
    assert len(set(addresses)) == 1


async def test_an_endpoint_is_as_far_away_as_geography_says(far: Far) -> None:
    sydney = Position(-33.87, 151.21)
    loop = asyncio.get_running_loop()
    async with await asyncio.start_server(far, "127.0.0.1", 0) as server:
        endpoint = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with WanDialer(PARIS, FRANKFURT) as dialer:
            started = loop.time()
            streams = await connect(await dialer(endpoint, sydney))
            await exchange(streams, b"ping")
            assert loop.time() - started >= 2 * expected_round_trip(PARIS, sydney) - TICK
            streams[1].close()


async def test_a_closed_dialer_has_closed_its_relays() -> None:
    async with WanDialer(PARIS, FRANKFURT) as dialer:
        address = await dialer("127.0.0.1:1", None)
    with pytest.raises(ConnectionRefusedError):
        await connect(address)
