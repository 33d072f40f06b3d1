"""One open session with a node: a task that reads, and one that writes."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import grpc

from nearfield.client.exchange import Exchange
from nearfield.core.errors import LimitExceeded, NearfieldError, StreamBroken, Unreachable
from nearfield.core.inference import Request
from nearfield.core.node import NodeLoad
from nearfield.core.rpc.options import MESSAGE_BYTES_MOST
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.wire.session import (
    cancel_to_wire,
    reply_from_wire,
    start_to_wire,
    told_load,
    window_to_wire,
)
from protos.nearfield.v1 import inference_pb2 as pb
from protos.nearfield.v1 import inference_pb2_grpc

Hear = Callable[[NodeLoad], None]
"""Takes what the node tells of its load."""
LAST_STREAM = 2**32 - 1
_BATCH_BYTES = 1024 * 1024
"""Of starts that go together; a quarter of what one message may hold."""
_FRAME_BYTES = 64
"""Around a request; also the most that a cancel or a window update takes."""


class Link:
    """Lives until the stream breaks or `aclose`.

    `answered` is true once anything was heard on it: from then on a reply takes one round
    trip.
    """

    def __init__(self, channel: grpc.aio.Channel, window: int, hear: Hear) -> None:
        self.answered = False
        self.broken = False
        self._window = window
        self._hear = hear
        self._exchanges: dict[int, Exchange] = {}
        self._last = 0
        self._calls: list[tuple[int, pb.SessionCall]] = []
        self._pending = asyncio.Event()
        self._writing = False
        self._call: Any = inference_pb2_grpc.InferenceStub(channel).Session()
        self._writer = asyncio.create_task(self._write_on())
        self._reader = asyncio.create_task(self._read_on())

    @property
    def spent(self) -> bool:
        """Whether it takes no more requests."""
        return self.broken or self._last >= LAST_STREAM

    def start(self, request: Request, trace: Mapping[str, str], timeout: float | None) -> Exchange:
        """Send a request; raises InvalidRequest or LimitExceeded for one that cannot be."""
        stream = self._last + 1
        call = start_to_wire(stream, request, trace, timeout, self._window)
        size = call.ByteSize() + _FRAME_BYTES
        if size > MESSAGE_BYTES_MOST:
            # The whole session would end by it, not this request alone.
            limit = f"{MESSAGE_BYTES_MOST} bytes"
            raise LimitExceeded(f"a request of {size} bytes", field="message", limit=limit)
        self._last = stream
        sampled = self.answered and not self._writing and not self._calls
        exchange = Exchange(self, stream, self._window, sampled=sampled)
        self._exchanges[stream] = exchange
        if timeout is not None:
            exchange.expire_after(timeout)
        self._put(call, size)
        return exchange

    def grant(self, stream: int, tokens: int) -> None:
        """See Owner."""
        self._put(window_to_wire(stream, tokens))

    def release(self, stream: int, *, cancel: bool) -> None:
        """See Owner."""
        del self._exchanges[stream]
        if cancel and not self.broken:
            self._put(cancel_to_wire(stream))

    async def aclose(self) -> None:
        """End the stream and every request on it; twice is once."""
        self._writer.cancel()
        self._reader.cancel()
        self._call.cancel()
        await asyncio.gather(self._writer, self._reader, return_exceptions=True)
        self._break(None)

    def _put(self, call: pb.SessionCall, size: int = _FRAME_BYTES) -> None:
        self._calls.append((size, call))
        self._pending.set()

    async def _write_on(self) -> None:
        try:
            while True:
                await self._pending.wait()
                self._pending.clear()
                self._writing = True
                while self._calls:
                    await self._call.write(pb.SessionCalls(calls=self._next_calls()))
                self._writing = False
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # the reader learns why

    def _next_calls(self) -> list[pb.SessionCall]:
        """Take off what goes into the next message: all, unless it would be too large."""
        size = count = 0
        for one, _ in self._calls:
            size += one
            if count and size > _BATCH_BYTES:
                break
            count += 1
        calls = [call for _, call in self._calls[:count]]
        del self._calls[:count]
        return calls

    async def _read_on(self) -> None:
        error: grpc.aio.AioRpcError | None = None
        try:
            async for message in self._call:
                self.answered = True
                for frame in message.replies:
                    self._dispatch(frame)
        except grpc.aio.AioRpcError as why:
            error = why
        finally:
            self._writer.cancel()
            self._break(error)

    def _dispatch(self, frame: pb.SessionReply) -> None:
        exchange = self._exchanges.get(frame.stream)
        if exchange is None:  # of the node, or left early with a reply on its way
            if (load := told_load(frame)) is not None:
                self._hear(load)
            return
        try:
            reply = reply_from_wire(frame)
        except NearfieldError as error:
            exchange.fail(error)
            return
        if reply is not None:
            exchange.take(reply)

    def _break(self, why: grpc.aio.AioRpcError | None) -> None:
        """Tell every request that its session is gone."""
        self.broken = True
        for exchange in list(self._exchanges.values()):
            exchange.take(_error(why, admitted=exchange.admitted is not None))


def _error(why: grpc.aio.AioRpcError | None, *, admitted: bool) -> NearfieldError:
    if why is not None:
        return from_rpc_error(why, admitted=admitted)
    if admitted:
        return StreamBroken("the session ended before the answer did")
    return Unreachable("the session ended before the request was admitted")
