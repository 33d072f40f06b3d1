"""Emulated distance: a relay on loopback that delays bytes and handshakes.

The product does not know of it: a client is given a dialer, and every connection it
opens goes through a relay that makes it as long as geography says it would be.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from nearfield.core.geo import Position, expected_round_trip

_CHUNK_BYTES = 64 * 1024
_CHUNKS_MOST = 1024
"""In flight each way; a full path holds up its sender, as a real one does."""


class Relay:
    """Listens on loopback for one endpoint that is `round_trip` seconds away."""

    def __init__(self, endpoint: str, round_trip: float) -> None:
        host, _, port = endpoint.rpartition(":")
        self._endpoint = (host, int(port))
        self._round_trip = round_trip
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Listen and return the address to dial instead of the endpoint."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"127.0.0.1:{port}"

    async def aclose(self) -> None:
        """Cut every connection and stop listening."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            with _closing(writer):
                await self._carry(reader, writer)
        except* (OSError, asyncio.CancelledError):
            pass  # one end is gone, or the relay closes: both sockets are closed by now

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect as late as the far end would see it, then carry bytes both ways.

        The caller's own handshake with this relay took no time. On a real path its first
        byte leaves one round trip after the SYN and arrives half a round trip later.
        """
        await asyncio.sleep(self._round_trip)
        one_way = self._round_trip / 2
        loop = asyncio.get_running_loop()
        reach = loop.time() + one_way
        upward: asyncio.Queue[_Parcel] = asyncio.Queue(_CHUNKS_MOST)
        downward: asyncio.Queue[_Parcel] = asyncio.Queue(_CHUNKS_MOST)
        with contextlib.ExitStack() as ends:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_collect(reader, upward, one_way))
                await asyncio.sleep(reach - loop.time())
                far_reader, far_writer = await asyncio.open_connection(*self._endpoint)
                ends.enter_context(_closing(far_writer))
                tasks.create_task(_deliver(upward, far_writer))
                tasks.create_task(_collect(far_reader, downward, one_way))
                tasks.create_task(_deliver(downward, writer))


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Bytes and the moment they arrive; no bytes are the end of the stream, None is a reset."""

    due: float
    data: bytes | None


@contextlib.contextmanager
def _closing(writer: asyncio.StreamWriter) -> Iterator[None]:
    """Close a connection in good order, or at once where something broke."""
    try:
        yield
    except BaseException:
        writer.transport.abort()
        raise
    writer.close()


async def _collect(
    reader: asyncio.StreamReader, queue: "asyncio.Queue[_Parcel]", one_way: float
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        data: bytes | None = None
        with contextlib.suppress(ConnectionError):
            data = await reader.read(_CHUNK_BYTES)
        await queue.put(_Parcel(loop.time() + one_way, data))
        if not data:
            return


async def _deliver(queue: "asyncio.Queue[_Parcel]", writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        parcel = await queue.get()
        await asyncio.sleep(parcel.due - loop.time())
        if parcel.data is None:
            raise ConnectionResetError
        if not parcel.data:
            writer.write_eof()  # the other direction goes on
            return
        writer.write(parcel.data)
        await writer.drain()


class WanDialer:
    """Dials as a client at `origin` would: one relay for each process of the fleet."""

    def __init__(self, origin: Position, control_plane: Position) -> None:
        self._origin = origin
        self._control_plane = control_plane
        self._relays: dict[str, Relay] = {}
        self._addresses: dict[str, str] = {}
        self._starting = asyncio.Lock()

    async def __call__(self, endpoint: str, position: Position | None) -> str:
        """Return the address of the relay to `endpoint`; see nearfield.client.dialing."""
        async with self._starting:
            if endpoint not in self._addresses:
                there = position or self._control_plane
                relay = Relay(endpoint, expected_round_trip(self._origin, there))
                self._relays[endpoint] = relay
                self._addresses[endpoint] = await relay.start()
            return self._addresses[endpoint]

    async def aclose(self) -> None:
        """Close every relay."""
        for relay in self._relays.values():
            await relay.aclose()

    async def __aenter__(self) -> "WanDialer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
