import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from nearfield.core.errors import ConfigError
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.options import MESSAGE_BYTES_MOST
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.tls import PLAINTEXT, CertificateFiles
from nearfield.local.authority import prepare_tls

SERVICE = "nearfield.v1.Inference"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
async def server() -> AsyncIterator[RpcServer]:
    async with RpcServer("127.0.0.1:0", (SERVICE,), PLAINTEXT) as started:
        yield started


@pytest.fixture
async def channel(server: RpcServer) -> AsyncIterator[grpc.aio.Channel]:
    async with open_channel(f"127.0.0.1:{server.port}", PLAINTEXT) as opened:
        yield opened


async def health(channel: grpc.aio.Channel, service: str = "") -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    reply = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    return int(reply.status)


@pytest.mark.parametrize("service", ["", SERVICE, "grpc.health.v1.Health"])
async def test_health_answers_for_each_service_and_for_all(
    channel: grpc.aio.Channel, service: str
) -> None:
    assert await health(channel, service) == SERVING


async def test_health_says_when_calls_are_not_welcome_and_when_they_are_again(
    server: RpcServer, channel: grpc.aio.Channel
) -> None:
    await server.set_serving(False)
    assert {await health(channel), await health(channel, SERVICE)} == {NOT_SERVING}
    await server.set_serving(True)
    assert {await health(channel), await health(channel, SERVICE)} == {SERVING}


async def test_health_does_not_know_a_service_that_is_not_served(
    channel: grpc.aio.Channel,
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health(channel, "nearfield.v1.Nothing")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_every_service(channel: grpc.aio.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    (reply,) = [reply async for reply in stub.ServerReflectionInfo(requests)]
    names = {service.name for service in reply.list_services_response.service}
    assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_a_port_in_use_is_refused_by_its_key(server: RpcServer) -> None:
    second = RpcServer(f"127.0.0.1:{server.port}", (), PLAINTEXT)
    with pytest.raises(ConfigError, match=str(server.port)) as caught:
        await second.start()
    assert caught.value.field == "listen"


@pytest.mark.parametrize("listen", ["192.0.2.1:7000", "not an address"])
async def test_an_address_of_another_host_is_refused(listen: str, tmp_path: Path) -> None:
    tls = prepare_tls(tmp_path)
    security = CertificateFiles(tls.certificate, tls.key).read()
    with pytest.raises(ConfigError, match="not an address of this host"):
        await RpcServer(listen, (), security).start()


async def test_a_message_that_is_too_large_is_refused_and_the_server_lives_on(
    server: RpcServer, channel: grpc.aio.Channel
) -> None:
    unlimited = (("grpc.max_send_message_length", -1),)
    address = f"127.0.0.1:{server.port}"
    async with grpc.aio.insecure_channel(address, options=unlimited) as generous:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health(generous, "x" * (MESSAGE_BYTES_MOST + 1))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await health(channel) == SERVING


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 99],
    ids=["zeros", "http1", "broken http2"],
)
async def test_garbage_on_the_port_leaves_the_server_alive(
    server: RpcServer, channel: grpc.aio.Channel, garbage: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(garbage)
    writer.write_eof()
    async with asyncio.timeout(20):
        await reader.read()
    writer.close()
    assert await health(channel) == SERVING


async def test_a_closed_server_gives_its_port_back() -> None:
    async with RpcServer("127.0.0.1:0", (), PLAINTEXT) as closed:
        port = closed.port
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


async def test_a_server_says_that_it_is_leaving_as_it_stops() -> None:
    async with RpcServer("127.0.0.1:0", (), PLAINTEXT) as server:
        assert not server.leaving.is_set()
    assert server.leaving.is_set()
