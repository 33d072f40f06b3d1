"""Keeps connections to the best candidates open, and measures them, beside all requests."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import grpc

from nearfield.client.connections import WARM_MOST, Connection, Connections
from nearfield.client.recent import Recent
from nearfield.client.round_trips import RoundTrips
from nearfield.core.clock import monotonic
from nearfield.core.errors import NearfieldError
from nearfield.core.node import NodeLoad
from nearfield.core.route import Candidate

CHECK = "/grpc.health.v1.Health/Check"
"""Its empty request is no bytes at all, so that the health package is not needed."""
TIMEOUT = 5.0
"""Seconds to connect, and then for one check."""
SEEN_MOST = 64


class Warming:
    """Opens sessions with the best candidates and measures each once; see `start`.

    `hear` takes the loads that nodes tell on their sessions, by node name. Close it with
    `aclose`.
    """

    def __init__(
        self,
        connections: Connections,
        round_trips: RoundTrips,
        hear: Callable[[str, NodeLoad], None],
    ) -> None:
        self._connections = connections
        self._round_trips = round_trips
        self._hear = hear
        self._seen: Recent[str, Connection] = Recent(SEEN_MOST)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, candidates: Sequence[Candidate], fresh: float) -> None:
        """Warm the best of a new lease's candidates in the background; soonest come first.

        Nodes measured in the last `fresh` seconds are not measured again.
        """
        # The very best last: of idle connections, those used last stay open.
        for candidate in reversed(candidates[:WARM_MOST]):
            task = asyncio.create_task(self._warm(candidate, fresh))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def note(self, candidate: Candidate, connection: Connection) -> None:
        """Remember over which connection a candidate is reached; what is heard there is of it."""
        connection.hear = partial(self._hear, candidate.node)
        if self._seen.get(candidate.endpoint) is not connection:
            self._seen.put(candidate.endpoint, connection)

    def is_warm(self, endpoint: str) -> bool:
        """Whether a request to an endpoint would pay no handshake."""
        connection = self._seen.get(endpoint)
        return connection is not None and connection.warm

    async def _warm(self, candidate: Candidate, fresh: float) -> None:
        endpoint = candidate.endpoint
        # A request that goes there learns what is wrong; nobody waits for this.
        with contextlib.suppress(OSError, NearfieldError, grpc.aio.AioRpcError):
            async with self._connections.use(endpoint, candidate.position) as connection:
                self.note(candidate, connection)
                async with asyncio.timeout(TIMEOUT):
                    await connection.channel.channel_ready()
                if self._round_trips.age(candidate.node) > fresh:
                    await self._measure(connection, candidate.node)
                connection.session.open()

    async def _measure(self, connection: Connection, node: str) -> None:
        check: Any = connection.channel.unary_unary(CHECK)
        started = monotonic()
        await check(b"", timeout=TIMEOUT)
        self._round_trips.observe(node, monotonic() - started)

    async def aclose(self) -> None:
        """End what goes on; twice is once."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
