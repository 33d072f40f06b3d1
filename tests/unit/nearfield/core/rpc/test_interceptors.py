import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from nearfield.core.errors import InternalError, Overloaded
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.status import MESSAGE_MOST, from_rpc_error
from nearfield.core.rpc.tls import PLAINTEXT

SERVICE = "test.Echo"
FULL = Overloaded("the queue is full", field="queue", limit="64", retry_after=0.5)


def fail(request: bytes) -> None:
    if request == b"typed":
        raise FULL
    if request == b"unexpected":
        raise ZeroDivisionError("secret")


async def unary(request: bytes, context: Any) -> bytes:
    if request == b"aborted":
        await context.abort(grpc.StatusCode.DATA_LOSS, "by the handler itself")
    fail(request)
    return request


async def stream(request: bytes, context: Any) -> AsyncIterator[bytes]:
    yield b"first"
    fail(request)
    yield request


async def both(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        fail(request)
        yield request


async def writes(request: bytes, context: Any) -> None:
    await context.write(b"first")
    fail(request)


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    server = RpcServer("127.0.0.1:0", (SERVICE,), PLAINTEXT)
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
        "Both": grpc.stream_stream_rpc_method_handler(both),
        "Writes": grpc.unary_stream_rpc_method_handler(writes),
    }
    server.grpc.add_registered_method_handlers(SERVICE, handlers)
    async with server, open_channel(f"127.0.0.1:{server.port}", PLAINTEXT) as opened:
        yield opened


async def ask(channel: grpc.aio.Channel, method: str, request: bytes) -> list[bytes]:
    path = f"/{SERVICE}/{method}"
    if method == "Unary":
        return [await channel.unary_unary(path)(request, timeout=10)]
    if method == "Both":
        call = channel.stream_stream(path)(iter([request]), timeout=10)
    else:
        call = channel.unary_stream(path)(request, timeout=10)
    return [message async for message in call]


KINDS = pytest.mark.parametrize("method", ["Unary", "Stream", "Both", "Writes"])


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("Unary", [b"fine"]),
        ("Stream", [b"first", b"fine"]),
        ("Both", [b"fine"]),
        ("Writes", [b"first"]),
    ],
)
async def test_a_call_that_succeeds_is_left_alone(
    channel: grpc.aio.Channel, method: str, answer: list[bytes]
) -> None:
    assert await ask(channel, method, b"fine") == answer


@KINDS
async def test_an_error_of_ours_reaches_the_caller_whole(
    channel: grpc.aio.Channel, method: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(channel, method, b"typed")
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    error = from_rpc_error(caught.value)
    assert type(error) is Overloaded
    assert vars(error) == vars(FULL)


@KINDS
async def test_a_fault_of_ours_is_logged_and_tells_the_caller_nothing(
    channel: grpc.aio.Channel, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(channel, method, b"unexpected")
    error = from_rpc_error(caught.value)
    assert type(error) is InternalError
    assert "secret" not in error.message
    (record,) = [one for one in caplog.records if one.name == "nearfield.core.rpc.interceptors"]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


@KINDS
async def test_the_server_lives_on_after_a_fault(channel: grpc.aio.Channel, method: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await ask(channel, method, b"unexpected")
    assert await ask(channel, "Unary", b"fine") == [b"fine"]


async def test_a_handler_may_end_a_call_itself(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(channel, "Unary", b"aborted")
    assert caught.value.code() is grpc.StatusCode.DATA_LOSS
    assert caught.value.details() == "by the handler itself"


async def test_a_method_that_is_not_there_is_unimplemented(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channel.unary_unary(f"/{SERVICE}/Nothing")(b"", timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    "message",
    ["grün", "two\nlines", "x" * 20_000, "🙂" * 20_000],
    ids=["umlaut", "lines", "long", "wide"],
)
async def test_a_message_of_any_kind_gets_through_at_least_in_part(message: str) -> None:
    async def answer(request: bytes, context: Any) -> bytes:
        raise Overloaded(message)

    server = RpcServer("127.0.0.1:0", (SERVICE,), PLAINTEXT)
    handlers = {"Unary": grpc.unary_unary_rpc_method_handler(answer)}
    server.grpc.add_registered_method_handlers(SERVICE, handlers)
    async with server, open_channel(f"127.0.0.1:{server.port}", PLAINTEXT) as opened:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(opened, "Unary", b"")
    error = from_rpc_error(caught.value)
    assert type(error) is Overloaded
    assert error.message == message[:MESSAGE_MOST]
