"""The control plane as the client sees it: two questions, no prompts."""

from collections.abc import Mapping
from dataclasses import replace

import grpc

from nearfield.client.dialing import Dialer
from nearfield.core.clock import monotonic
from nearfield.core.protocol import VERSION
from nearfield.core.route import Explanation, Lease, RouteQuery
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import ClientSecurity
from nearfield.core.wire.routing import explanation_from_wire, lease_from_wire, query_to_wire
from protos.nearfield.v1 import routing_pb2_grpc

TIMEOUT = 10.0
"""Seconds for one question: far above a route's usual millisecond and any path on Earth."""
_WEIGHT = 1 / 8
"""RFC 6298's weight of a new sample."""


class Routes:
    """Asks one control plane, on one connection that stays open, in the name of `token`."""

    def __init__(
        self, target: str, dial: Dialer, security: ClientSecurity, token: str = ""
    ) -> None:
        self._target = target
        self._dial = dial
        self._security = security
        self._token = token
        self._channel: grpc.aio.Channel | None = None
        self._warm = False
        self.asked = 0
        self.seconds: float | None = None
        """How long a question takes; with the handshakes in it until a second one is asked."""

    async def route(self, query: RouteQuery, trace: Mapping[str, str]) -> Lease:
        """Ask where to go."""
        channel = await self._connect()
        stub = routing_pb2_grpc.RoutingStub(channel)
        warm = channel.get_state() is grpc.ChannelConnectivity.READY
        self.asked += 1
        started = monotonic()
        try:
            reply = await stub.Route(
                query_to_wire(replace(query, token=query.token or self._token), VERSION),
                metadata=tuple(trace.items()),
                timeout=TIMEOUT,
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        self._took(monotonic() - started, warm=warm)
        return lease_from_wire(reply)

    def _took(self, seconds: float, *, warm: bool) -> None:
        if self.seconds is None or (warm and not self._warm):
            self.seconds, self._warm = seconds, warm
        elif warm:
            self.seconds += _WEIGHT * (seconds - self.seconds)

    async def explain(self, query: RouteQuery) -> Explanation:
        """Ask where to go, and why."""
        stub = routing_pb2_grpc.RoutingStub(await self._connect())
        try:
            asked = query_to_wire(replace(query, token=query.token or self._token), VERSION)
            reply = await stub.Explain(asked, timeout=TIMEOUT)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        return explanation_from_wire(reply)

    async def _connect(self) -> grpc.aio.Channel:
        address = await self._dial(self._target, None)
        if self._channel is None:
            self._channel = open_channel(address, self._security, means=self._target)
        return self._channel

    async def aclose(self) -> None:
        """Close the connection; twice is once."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
