import grpc
import psutil

from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import eventually


async def test_a_channel_connects_only_when_it_is_used() -> None:
    async with (
        RpcServer("127.0.0.1:0", (), PLAINTEXT) as server,
        open_channel(f"127.0.0.1:{server.port}", PLAINTEXT) as channel,
    ):
        assert channel.get_state() is grpc.ChannelConnectivity.IDLE
        await channel.channel_ready()
        assert channel.get_state() is grpc.ChannelConnectivity.READY


async def test_two_channels_to_one_address_do_not_share_a_connection() -> None:
    async with RpcServer("127.0.0.1:0", (), PLAINTEXT) as server:
        address = f"127.0.0.1:{server.port}"
        async with (
            open_channel(address, PLAINTEXT) as one,
            open_channel(address, PLAINTEXT) as other,
        ):
            await one.channel_ready()
            await other.channel_ready()
            await eventually(lambda: connections_to(server.port) == 2)


def connections_to(port: int) -> int:
    """Return how many connections this process holds to a port."""
    found = psutil.Process().net_connections("tcp")
    return sum(1 for one in found if one.raddr and one.raddr.port == port)
