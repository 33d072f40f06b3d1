"""The operator's client: sees the fleet and says what it should be."""

from collections.abc import AsyncGenerator
from typing import Any, Self

import grpc

from nearfield.core.node import Desired, Intake, NodeView, ServedModel
from nearfield.core.policy import DeclaredPrefix, ModelPolicy
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import ClientSecurity, from_environment
from nearfield.core.wire.admin import model_from_wire, view_from_wire
from nearfield.core.wire.enums import INTAKES
from nearfield.core.wire.node import desired_from_wire
from nearfield.core.wire.policy import model_policy_to_wire, prefix_from_wire, prefix_to_wire
from protos.nearfield.v1 import admin_pb2, admin_pb2_grpc

TIMEOUT = 15.0
"""Seconds for one call, a slow directory included."""


class AdminClient:
    """Talks to one replica's Admin service at `host:port`. Use it as `async with`.

    `security` is what it trusts, None what the environment says; raises ConfigError where
    that cannot be read.
    """

    def __init__(self, target: str, security: ClientSecurity | None = None) -> None:
        self._target = target
        self._security = from_environment() if security is None else security
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
        """Return every model the fleet serves, could serve or is to serve."""
        reply = await self._call(self._stub.ListModels, admin_pb2.ListModelsRequest())
        return tuple(model_from_wire(model) for model in reply.models)

    async def set_model(self, policy: ModelPolicy) -> tuple[int, bool]:
        """Say how many nodes are to serve a model, and where.

        Returns the revision of the fleet's policy, and whether it is durable.
        """
        return _policy_applied(await self._call(self._stub.SetModel, model_policy_to_wire(policy)))

    async def declare_prefix(self, prefix: DeclaredPrefix) -> tuple[int, bool]:
        """Make a prefix resident before it is asked for; one of its name is replaced.

        Returns what `set_model` does.
        """
        return _policy_applied(await self._call(self._stub.DeclarePrefix, prefix_to_wire(prefix)))

    async def withdraw_prefix(self, name: str) -> tuple[int, bool]:
        """Declare a prefix no more; raises InvalidRequest where none has the name."""
        request = admin_pb2.WithdrawPrefixRequest(name=name)
        return _policy_applied(await self._call(self._stub.WithdrawPrefix, request))

    async def prefixes(self) -> tuple[DeclaredPrefix, ...]:
        """Return every declared prefix."""
        reply = await self._call(self._stub.ListPrefixes, admin_pb2.ListPrefixesRequest())
        return tuple(prefix_from_wire(prefix) for prefix in reply.prefixes)

    async def revoke_tickets(self) -> tuple[int, bool]:
        """Make every ticket signed so far void; returns what `set_model` does."""
        request = admin_pb2.RevokeTicketsRequest()
        return _policy_applied(await self._call(self._stub.RevokeTickets, request))

    @property
    def _stub(self) -> Any:
        if self._channel is None:
            self._channel = open_channel(self._target, self._security)
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


def _policy_applied(reply: admin_pb2.PolicyApplied) -> tuple[int, bool]:
    return reply.revision, reply.durable
