"""Connections to nodes, kept warm for the next request."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc

from nearfield.client.dialing import Dialer
from nearfield.client.session import NodeSession
from nearfield.core.geo import Position
from nearfield.core.node import NodeLoad
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.tls import ClientSecurity

WARM_MOST = 3
"""Idle connections kept: the best candidates of a lease."""


def _nobody(load: NodeLoad) -> None:
    """Hear nothing."""


@dataclass(slots=True)
class Connection:
    """A channel in use by `users` requests, which share a session on it.

    `hear` takes what the node at its other end tells of its load.
    """

    channel: grpc.aio.Channel
    users: int = 0
    hear: Callable[[NodeLoad], None] = _nobody
    session: NodeSession = field(init=False)

    def __post_init__(self) -> None:
        self.session = NodeSession(self.channel, self._heard)

    @property
    def warm(self) -> bool:
        """Whether it is connected now, so that a request pays no handshake."""
        return self.channel.get_state() is grpc.ChannelConnectivity.READY

    def _heard(self, load: NodeLoad) -> None:
        self.hear(load)  # of who is reached over it now, not as the session was made

    async def aclose(self) -> None:
        """End the session, then the channel; twice is once."""
        await self.session.aclose()
        await self.channel.close()


class Connections:
    """One channel an endpoint; the idle ones used longest ago are closed first."""

    def __init__(self, dial: Dialer, security: ClientSecurity) -> None:
        self._dial = dial
        self._security = security
        self._open: OrderedDict[str, Connection] = OrderedDict()

    @asynccontextmanager
    async def use(self, endpoint: str, position: Position | None) -> AsyncIterator[Connection]:
        """Hold the connection to an endpoint until the block ends."""
        address = await self._dial(endpoint, position)
        if address not in self._open:
            channel = open_channel(address, self._security, means=endpoint)
            self._open[address] = Connection(channel)
        connection = self._open[address]
        self._open.move_to_end(address)
        connection.users += 1
        try:
            yield connection
        finally:
            connection.users -= 1
            await self._close_surplus()

    async def _close_surplus(self) -> None:
        idle = [address for address, one in self._open.items() if one.users == 0]
        for address in idle[: max(0, len(idle) - WARM_MOST)]:
            await self._open.pop(address).aclose()

    async def aclose(self) -> None:
        """Close them all; twice is once."""
        while self._open:
            _, connection = self._open.popitem()
            await connection.aclose()
