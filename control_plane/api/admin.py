"""The Admin service, for operators; listens apart."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from control_plane.fleet.changes import Follower
from control_plane.fleet.desired import Change, DesiredStates
from control_plane.fleet.models import served_models
from control_plane.fleet.policies import Change as PolicyChange
from control_plane.fleet.policies import Policies
from control_plane.fleet.registry import Registry
from nearfield.core.errors import InvalidRequest, UnknownNode
from nearfield.core.node import Desired
from nearfield.core.policy import FleetPolicy
from nearfield.core.wire.admin import model_to_wire, view_to_wire
from nearfield.core.wire.enums import INTAKES, from_number
from nearfield.core.wire.node import desired_to_wire
from nearfield.core.wire.policy import model_policy_from_wire, prefix_from_wire, prefix_to_wire
from protos.nearfield.v1 import admin_pb2, admin_pb2_grpc, types_pb2

SERVICE = "nearfield.v1.Admin"
INTERVAL_LEAST = 0.05
INTERVAL_MOST = 3600.0


class AdminService(admin_pb2_grpc.AdminServicer):
    """Shows the fleet and changes what is desired of it."""

    def __init__(self, registry: Registry, desired: DesiredStates, policies: Policies) -> None:
        self._registry = registry
        self._desired = desired
        self._policies = policies

    async def ListNodes(
        self, message: admin_pb2.ListNodesRequest, context: Any
    ) -> admin_pb2.ListNodesReply:
        """Return every node."""
        views = self._registry.views()
        return admin_pb2.ListNodesReply(
            nodes=[view_to_wire(view) for view in views], map_revision=self._registry.revision
        )

    async def GetNode(self, message: admin_pb2.GetNodeRequest, context: Any) -> admin_pb2.NodeView:
        """Return one node."""
        return view_to_wire(self._registry.get(message.name))

    async def WatchNodes(
        self, message: admin_pb2.WatchNodesRequest, context: Any
    ) -> AsyncIterator[admin_pb2.NodeChange]:
        """Yield every node, then those that changed or reported, at most once an interval."""
        interval = message.interval_seconds or 1.0
        if not INTERVAL_LEAST <= interval <= INTERVAL_MOST:
            limit = f"{INTERVAL_LEAST:g} to {INTERVAL_MOST:g}"
            raise InvalidRequest(
                f"interval_seconds {interval} is not in {limit}",
                field="interval_seconds",
                limit=limit,
            )
        with self._registry.changes.follow() as changes, self._registry.reports.follow() as reports:
            names = {view.info.name for view in self._registry.views()}
            while True:
                for name in sorted(names):
                    yield self._change(name)
                names = await _next_names(changes, reports, interval)

    async def SetIntake(
        self, message: admin_pb2.SetIntakeRequest, context: Any
    ) -> admin_pb2.Applied:
        """Cordon, drain or resume a node."""
        intake = from_number(INTAKES, message.intake, "intake")

        def change(before: Desired) -> Desired:
            return replace(before, intake=intake, reason=message.reason)

        return await self._apply(message.name, change)

    async def ClearPrefixCache(
        self, message: admin_pb2.ClearPrefixCacheRequest, context: Any
    ) -> admin_pb2.Applied:
        """Ask a node to forget its cached prefixes."""

        def change(before: Desired) -> Desired:
            return replace(before, cache_generation=before.cache_generation + 1)

        return await self._apply(message.name, change)

    async def ListModels(
        self, message: admin_pb2.ListModelsRequest, context: Any
    ) -> admin_pb2.ListModelsReply:
        """Return every model of the fleet."""
        models = served_models(self._registry.views(), self._policies.current.models)
        return admin_pb2.ListModelsReply(models=[model_to_wire(model) for model in models])

    async def SetModel(
        self, message: admin_pb2.ModelPolicy, context: Any
    ) -> admin_pb2.PolicyApplied:
        """Say how many nodes are to serve a model, and where."""
        policy = model_policy_from_wire(message)
        return await self._apply_policy(lambda before: before.with_model(policy))

    async def DeclarePrefix(
        self, message: types_pb2.DeclaredPrefix, context: Any
    ) -> admin_pb2.PolicyApplied:
        """Ask for a prefix to be resident before requests come."""
        prefix = prefix_from_wire(message)
        return await self._apply_policy(lambda before: before.with_prefix(prefix))

    async def WithdrawPrefix(
        self, message: admin_pb2.WithdrawPrefixRequest, context: Any
    ) -> admin_pb2.PolicyApplied:
        """Ask for a prefix no more."""
        return await self._apply_policy(lambda before: before.without_prefix(message.name))

    async def ListPrefixes(
        self, message: admin_pb2.ListPrefixesRequest, context: Any
    ) -> admin_pb2.ListPrefixesReply:
        """Return every declared prefix."""
        prefixes = map(prefix_to_wire, self._policies.current.prefixes)
        return admin_pb2.ListPrefixesReply(prefixes=prefixes)

    async def RevokeTickets(
        self, message: admin_pb2.RevokeTicketsRequest, context: Any
    ) -> admin_pb2.PolicyApplied:
        """Make every ticket signed so far void."""
        return await self._apply_policy(FleetPolicy.revoked)

    async def _apply_policy(self, change: PolicyChange) -> admin_pb2.PolicyApplied:
        policy, durable = await self._policies.change(change)
        return admin_pb2.PolicyApplied(revision=policy.revision, durable=durable)

    async def _apply(self, name: str, change: Change) -> admin_pb2.Applied:
        desired, durable = await self._desired.change(name, change)
        return admin_pb2.Applied(desired=desired_to_wire(desired), durable=durable)

    def _change(self, name: str) -> admin_pb2.NodeChange:
        try:
            return admin_pb2.NodeChange(node=view_to_wire(self._registry.get(name)))
        except UnknownNode:
            gone = admin_pb2.NodeView(info=types_pb2.NodeInfo(name=name))
            return admin_pb2.NodeChange(node=gone, removed=True)


async def _next_names(changes: Follower, reports: Follower, interval: float) -> set[str]:
    """Changes of state at once; loads when no state has changed for `interval` seconds."""
    try:
        async with asyncio.timeout(interval):
            return await changes.take()
    except TimeoutError:
        return reports.drain()
