"""The control plane as the client sees it: two questions, no prompts."""

from collections.abc import Mapping

import grpc

from nearfield.client.dialing import Dialer
from nearfield.core.protocol import VERSION
from nearfield.core.route import Explanation, Lease, RouteQuery
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.wire.routing import explanation_from_wire, lease_from_wire, query_to_wire
from protos.nearfield.v1 import routing_pb2_grpc

TIMEOUT = 10.0
"""Seconds for one question: far above a route's usual millisecond and any path on Earth."""


class Routes:
    """Asks one control plane, on one connection that stays open."""

    def __init__(self, target: str, dial: Dialer) -> None:
        self._target = target
        self._dial = dial
        self._channel: grpc.aio.Channel | None = None
        self.asked = 0

    async def route(self, query: RouteQuery, trace: Mapping[str, str]) -> Lease:
        """Ask where to go."""
        stub = routing_pb2_grpc.RoutingStub(await self._connect())
        self.asked += 1
        try:
            reply = await stub.Route(
                query_to_wire(query, VERSION), metadata=tuple(trace.items()), timeout=TIMEOUT
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        return lease_from_wire(reply)

    async def explain(self, query: RouteQuery) -> Explanation:
        """Ask where to go, and why."""
        stub = routing_pb2_grpc.RoutingStub(await self._connect())
        try:
            reply = await stub.Explain(query_to_wire(query, VERSION), timeout=TIMEOUT)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        return explanation_from_wire(reply)

    async def _connect(self) -> grpc.aio.Channel:
        address = await self._dial(self._target, None)
        if self._channel is None:
            self._channel = open_channel(address)
        return self._channel

    async def aclose(self) -> None:
        """Close the connection; twice is once."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
