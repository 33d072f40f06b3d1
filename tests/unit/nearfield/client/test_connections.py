from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc
import pytest

from nearfield.client.connections import WARM_MOST, Connections
from nearfield.client.dialing import direct
from nearfield.core.geo import Position
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.records import FRANKFURT

SHUTDOWN = grpc.ChannelConnectivity.SHUTDOWN


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    made = Connections(direct, PLAINTEXT)
    yield made
    await made.aclose()


@pytest.fixture(scope="module")
async def endpoints() -> AsyncIterator[list[str]]:
    async with AsyncExitStack() as stack:
        servers = [RpcServer("127.0.0.1:0", (), PLAINTEXT) for _ in range(WARM_MOST + 2)]
        for server in servers:
            await stack.enter_async_context(server)
        yield [f"127.0.0.1:{server.port}" for server in servers]


async def use(connections: Connections, endpoint: str) -> grpc.aio.Channel:
    """Connect, let go, and return the channel that was used."""
    async with connections.use(endpoint, None) as connection:
        await connection.channel.channel_ready()
        return connection.channel


async def test_a_connection_is_cold_at_first_and_warm_the_next_time(
    connections: Connections, endpoints: list[str]
) -> None:
    async with connections.use(endpoints[0], None) as connection:
        assert not connection.warm
        await connection.channel.channel_ready()
    async with connections.use(endpoints[0], None) as connection:
        assert connection.warm


async def test_requests_to_one_endpoint_share_a_connection(
    connections: Connections, endpoints: list[str]
) -> None:
    async with (
        connections.use(endpoints[0], None) as one,
        connections.use(endpoints[0], None) as other,
    ):
        assert one is other
        assert one.users == 2
    assert one.users == 0


async def test_of_idle_connections_the_last_three_used_stay_warm(
    connections: Connections, endpoints: list[str]
) -> None:
    channels = [await use(connections, endpoint) for endpoint in endpoints]
    states = [channel.get_state() is SHUTDOWN for channel in channels]
    assert states == [True, True, False, False, False]


async def test_using_a_connection_again_keeps_it(
    connections: Connections, endpoints: list[str]
) -> None:
    first, second, *_ = [await use(connections, one) for one in endpoints[:WARM_MOST]]
    await use(connections, endpoints[0])
    await use(connections, endpoints[WARM_MOST])
    assert first.get_state() is grpc.ChannelConnectivity.READY
    assert second.get_state() is SHUTDOWN


async def test_a_connection_in_use_is_never_closed_for_others(
    connections: Connections, endpoints: list[str]
) -> None:
    async with connections.use(endpoints[0], None) as held:
        await held.channel.channel_ready()
        for endpoint in endpoints[1:]:
            await use(connections, endpoint)
        assert held.channel.get_state() is grpc.ChannelConnectivity.READY


async def test_a_request_that_fails_lets_its_connection_go(
    connections: Connections, endpoints: list[str]
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with connections.use(endpoints[0], None) as connection:
            raise ZeroDivisionError
    assert connection.users == 0


async def test_closing_ends_every_connection_and_twice_is_once(endpoints: list[str]) -> None:
    connections = Connections(direct, PLAINTEXT)
    channels = [await use(connections, endpoint) for endpoint in endpoints[:2]]
    await connections.aclose()
    await connections.aclose()
    assert [channel.get_state() for channel in channels] == [SHUTDOWN, SHUTDOWN]


async def test_the_dialer_hears_where_the_endpoint_stands(endpoints: list[str]) -> None:
    heard: list[tuple[str, Position | None]] = []

    async def dial(endpoint: str, position: Position | None) -> str:
        heard.append((endpoint, position))
        return endpoints[1]

    connections = Connections(dial, PLAINTEXT)
    async with connections.use("somewhere:1", FRANKFURT) as connection:
        await connection.channel.channel_ready()
    assert heard == [("somewhere:1", FRANKFURT)]
    await connections.aclose()


async def test_no_channel_is_made_where_one_is_open(
    connections: Connections, endpoints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await use(connections, endpoints[0])
    monkeypatch.setattr("nearfield.client.connections.open_channel", None)
    async with connections.use(endpoints[0], None) as connection:
        assert connection.warm
