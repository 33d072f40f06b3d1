"""A dialer whose connections are listened to: what really goes over the wire, inside its TLS."""

import asyncio
import ssl
from typing import Self

from nearfield.core.geo import Position
from nearfield.local.authority import LocalTls


class Tap:
    """Passes bytes on between those who connect to it and one endpoint, and keeps them all.

    It shows the fleet's own certificate, so that it hears what TLS hides from others.
    """

    def __init__(self, endpoint: str, files: LocalTls) -> None:
        self._near = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._near.load_cert_chain(files.certificate, files.key)
        self._far = ssl.create_default_context(cafile=files.authority)
        for context in (self._near, self._far):
            context.set_alpn_protocols(["h2"])  # gRPC talks to nobody who does not name it
        self._host, _, self._port = endpoint.rpartition(":")
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.heard = bytearray()

    async def start(self) -> str:
        """Listen and return the address."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._near)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def aclose(self) -> None:
        """Cut every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(
            self._host, int(self._port), ssl=self._far
        )
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, sink))
            self._tasks.add(task)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                self.heard += data
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()


class TappedDialer:
    """For `Client(dialer=…)`: one tap an endpoint; `control_plane` is that of no position."""

    def __init__(self, files: LocalTls) -> None:
        self._files = files
        self._taps: dict[str, Tap] = {}
        self._addresses: dict[str, str] = {}
        self._control_plane = ""
        self._starting = asyncio.Lock()

    async def __call__(self, endpoint: str, position: Position | None) -> str:
        """Return the tap's address; see nearfield.client.dialing."""
        if position is None:
            self._control_plane = endpoint
        async with self._starting:
            if endpoint not in self._taps:
                self._taps[endpoint] = Tap(endpoint, self._files)
                self._addresses[endpoint] = await self._taps[endpoint].start()
            return self._addresses[endpoint]

    @property
    def to_control_plane(self) -> bytes:
        """All bytes to and from the control plane."""
        return bytes(self._taps[self._control_plane].heard)

    @property
    def to_nodes(self) -> bytes:
        """All bytes to and from nodes."""
        others = (tap for name, tap in self._taps.items() if name != self._control_plane)
        return b"".join(bytes(tap.heard) for tap in others)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for tap in self._taps.values():
            await tap.aclose()
