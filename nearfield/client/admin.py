"""The operator's client: sees the fleet and says what it should be."""

from collections.abc import AsyncGenerator
from typing import Any, Self

import grpc

from nearfield.core.node import Desired, Intake, NodeView, ServedModel
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.wire.admin import model_from_wire, view_from_wire
from nearfield.core.wire.enums import INTAKES
from nearfield.core.wire.node import desired_from_wire
from protos.nearfield.v1 import admin_pb2, admin_pb2_grpc

TIMEOUT = 15.0
"""Seconds for one call, a slow directory included."""


class AdminClient:
    """Talks to one replica's Admin service at `host:port`. Use it as `async with`."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._channel: grpc.aio.Channel | None = None

    async def nodes(self) -> tuple[NodeView, ...]:
        """Return every node."""
        reply = await self._call(self._stub.ListNodes, admin_pb2.ListNodesRequest())
        return tuple(view_from_wire(node) for node in reply.nodes)

    async def node(self, name: str) -> NodeView:
        """Return one node; raises UnknownNode."""
        return view_from_wire(
            await self._call(self._stub.GetNode, admin_pb2.GetNodeRequest(name=name))
        )

    async def watch(self, interval: float = 1.0) -> AsyncGenerator[tuple[str, NodeView | None]]:
        """Yield every node by name, then every change; None is a node that has left."""
        request = admin_pb2.WatchNodesRequest(interval_seconds=interval)
        try:
            async for change in self._stub.WatchNodes(request):
                view = None if change.removed else view_from_wire(change.node)
                yield change.node.info.name, view
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    async def set_intake(self, name: str, intake: Intake, reason: str = "") -> tuple[Desired, bool]:
        """Cordon, drain or resume a node; returns the state asked for and whether it is durable."""
        request = admin_pb2.SetIntakeRequest(name=name, intake=INTAKES[intake], reason=reason)
        return _applied(await self._call(self._stub.SetIntake, request))

    async def clear_prefix_cache(self, name: str) -> tuple[Desired, bool]:
        """Ask a node to forget its cached prefixes; see `set_intake`."""
        request = admin_pb2.ClearPrefixCacheRequest(name=name)
        return _applied(await self._call(self._stub.ClearPrefixCache, request))

    async def models(self) -> tuple[ServedModel, ...]:
        """Return every model the fleet serves."""
        reply = await self._call(self._stub.ListModels, admin_pb2.ListModelsRequest())
        return tuple(model_from_wire(model) for model in reply.models)

    @property
    def _stub(self) -> Any:
        if self._channel is None:
            self._channel = open_channel(self._target)
        return admin_pb2_grpc.AdminStub(self._channel)

    async def _call(self, method: Any, request: Any) -> Any:
        try:
            return await method(request, timeout=TIMEOUT)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    async def aclose(self) -> None:
        """Close the connection; twice is once."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _applied(reply: admin_pb2.Applied) -> tuple[Desired, bool]:
    return desired_from_wire(reply.desired), reply.durable
