"""A far end behind a relay, and ways to talk to it and to break off."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from nearfield.local.wan import Relay

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Far:
    """The far end: remembers what came, and how it ended."""

    def __init__(self) -> None:
        self.connections = 0
        self.got = b""
        self.ended = 0
        self.handler: Handler = self.echo

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.handler(reader, writer)
        except ConnectionError:
            pass
        finally:
            self.ended += 1
            writer.close()

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.got += data
            writer.write(data)
            await writer.drain()

    async def answer_at_the_end(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.got = await reader.read()
        writer.write(b"got " + self.got)

    async def read_and_stay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.got = await reader.read()


@asynccontextmanager
async def relayed(far: Far, round_trip: float = 0.0) -> AsyncIterator[str]:
    server = await asyncio.start_server(far, "127.0.0.1", 0)
    async with server:
        relay = Relay(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", round_trip)
        try:
            yield await relay.start()
        finally:
            await relay.aclose()


async def connect(address: str) -> Streams:
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def exchange(streams: Streams, data: bytes) -> bytes:
    reader, writer = streams
    writer.write(data)
    async with asyncio.timeout(20):
        return await reader.readexactly(len(data))


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that its other end sees a reset."""
    now = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
    writer.transport.abort()
