"""Small nodes and control planes, served by the product's own gRPC server on a free port."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from nearfield.core.errors import Evicted, NearfieldError, NoCandidate, UnknownNode
from nearfield.core.inference import Event, Finished, Request
from nearfield.core.node import Desired, Intake, NodeLoad, NodeState, NodeView, ServedModel
from nearfield.core.policy import FleetPolicy
from nearfield.core.prediction import NO_PROMPT
from nearfield.core.route import Candidate, Explanation, RouteQuery
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.core.session import LOAD_STREAM, Admitted, Reply
from nearfield.core.wire.admin import model_to_wire, view_to_wire
from nearfield.core.wire.enums import INTAKES, from_number
from nearfield.core.wire.inference import event_to_wire, request_from_wire
from nearfield.core.wire.node import desired_to_wire
from nearfield.core.wire.policy import model_policy_from_wire, prefix_from_wire, prefix_to_wire
from nearfield.core.wire.routing import explanation_to_wire, lease_to_wire, query_from_wire
from nearfield.core.wire.session import replies_to_wire
from node_agent.admission.gate import Patience, refusal
from protos.nearfield.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    inference_pb2_grpc,
    routing_pb2_grpc,
)
from tests.support import nearfield_builders as build

Step = Event | NearfieldError | asyncio.Event
"""What a node does next: send an event, fail, or wait for the test."""
QUEUE = 64
STATES = {
    Intake.OPEN: NodeState.READY,
    Intake.CORDONED: NodeState.CORDONED,
    Intake.DRAINED: NodeState.DRAINED,
}


class FakeNode(inference_pb2_grpc.InferenceServicer):
    """Plays the same steps for every request, and remembers what it was asked.

    With the load `full` it admits as a node does; a session opens with the load it `tells`.
    """

    def __init__(self, name: str, steps: Iterable[Step]) -> None:
        self.name = name
        self.steps = list(steps)
        self.requests: list[Request] = []
        self.metadata: list[dict[str, Any]] = []
        self.cancelled = 0
        self.full: NodeLoad | None = None
        self.tells: NodeLoad | None = None
        self._writing = asyncio.Lock()
        self.server = RpcServer("127.0.0.1:0", ("nearfield.v1.Inference",), PLAINTEXT)
        inference_pb2_grpc.add_InferenceServicer_to_server(self, self.server.grpc)

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def candidate(self, **changes: Any) -> Candidate:
        """Return this node as a candidate."""
        return build.candidate(self.name, **{"endpoint": self.endpoint, **changes})

    async def Generate(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.requests.append(request_from_wire(request))
        self.metadata.append(dict(context.invocation_metadata()))
        first = self.steps[0]
        if isinstance(first, Evicted) or not isinstance(first, NearfieldError):
            await context.send_initial_metadata((("nearfield-admitted", "1"),))
        try:
            for step in self.steps:
                if isinstance(step, NearfieldError):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield event_to_wire(step)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def Session(self, calls: Any, context: Any) -> None:
        """Play the steps for each start; one whose steps lack an end ends the session."""
        running: dict[int, asyncio.Task[None]] = {}
        over = asyncio.Event()
        if self.tells is not None:
            await context.write(replies_to_wire([(LOAD_STREAM, self.tells)]))
        reader = asyncio.create_task(self._follow(calls, context, running, over))
        try:
            await over.wait()
        finally:
            for task in (reader, *running.values()):
                task.cancel()
            await asyncio.gather(reader, *running.values(), return_exceptions=True)

    async def _follow(
        self,
        calls: Any,
        context: Any,
        running: "dict[int, asyncio.Task[None]]",
        over: asyncio.Event,
    ) -> None:
        async for message in calls:
            for call in message.calls:
                if call.HasField("start"):
                    play = self._play(call.stream, call.start, context, over)
                    running[call.stream] = asyncio.create_task(play)
                elif call.HasField("cancel") and call.stream in running:
                    running[call.stream].cancel()

    async def _play(self, stream: int, start: Any, context: Any, over: asyncio.Event) -> None:
        self.requests.append(request_from_wire(start.request))
        self.metadata.append(dict(start.trace))
        if (why := self._refusal()) is not None:
            await self._reply(context, stream, why)
            return
        first, reply = self.steps[0], None
        if isinstance(first, Evicted) or not isinstance(first, NearfieldError):
            await self._reply(context, stream, Admitted(build.LOAD))
        try:
            for step in self.steps:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    reply = step
                    await self._reply(context, stream, step)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if not isinstance(reply, Finished | NearfieldError):
            over.set()

    def _refusal(self) -> NearfieldError | None:
        if self.full is None:
            return None
        patience = Patience(self.requests[-1].first_token_budget)
        return refusal(NodeState.READY, "", self.full, QUEUE, patience, NO_PROMPT)

    async def _reply(self, context: Any, stream: int, reply: Reply) -> None:
        async with self._writing:
            await context.write(replies_to_wire([(stream, reply)]))


class FakePlane(routing_pb2_grpc.RoutingServicer):
    """Leases the candidates it is given, those a client excludes left out."""

    def __init__(self, candidates: Iterable[Candidate], ttl: float) -> None:
        self.candidates = tuple(candidates)
        self.ttl = ttl
        self.terms: dict[str, Any] = {}
        self.queries: list[RouteQuery] = []
        self.error: NearfieldError | None = None
        self.silent = False
        self.explained: Explanation | None = None
        self.server = RpcServer("127.0.0.1:0", ("nearfield.v1.Routing",), PLAINTEXT)
        routing_pb2_grpc.add_RoutingServicer_to_server(self, self.server.grpc)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    async def Route(self, request: Any, context: Any) -> Any:
        query = query_from_wire(request)
        self.queries.append(query)
        if self.silent:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        left = [one for one in self.candidates if one.node not in query.excluded_nodes]
        if not left and self.candidates:
            raise NoCandidate("no node can take this request now")
        made = build.lease(*left, ttl=self.ttl)
        return lease_to_wire(dataclasses.replace(made, **self.terms))

    async def Explain(self, request: Any, context: Any) -> Any:
        self.queries.append(query_from_wire(request))
        if self.explained is None:
            raise NoCandidate("no node has joined")
        return explanation_to_wire(self.explained)


class FakeAdmin(admin_pb2_grpc.AdminServicer):
    """Applies what is asked of its nodes at once."""

    def __init__(self, views: Iterable[NodeView]) -> None:
        self.views = {view.info.name: view for view in views}
        self.models: tuple[ServedModel, ...] = ()
        self.policy = FleetPolicy()
        self.durable = True
        self.applies = True
        self.changes: asyncio.Queue[tuple[NodeView, bool]] = asyncio.Queue()
        self.intervals: list[float] = []
        self.server = RpcServer("127.0.0.1:0", ("nearfield.v1.Admin",), PLAINTEXT)
        admin_pb2_grpc.add_AdminServicer_to_server(self, self.server.grpc)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    async def ListNodes(self, request: Any, context: Any) -> Any:
        return admin_pb2.ListNodesReply(nodes=map(view_to_wire, self.views.values()))

    async def GetNode(self, request: Any, context: Any) -> Any:
        return view_to_wire(self._find(request.name))

    async def WatchNodes(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.intervals.append(request.interval_seconds)
        for view in list(self.views.values()):
            yield admin_pb2.NodeChange(node=view_to_wire(view))
        while True:
            view, removed = await self.changes.get()
            yield admin_pb2.NodeChange(node=view_to_wire(view), removed=removed)

    async def SetIntake(self, request: Any, context: Any) -> Any:
        before = self._find(request.name)
        intake = from_number(INTAKES, request.intake, "intake")
        desired = Desired(before.desired.revision + 1, intake, reason=request.reason)
        return self._apply(before, desired, STATES[intake], request.reason)

    async def ClearPrefixCache(self, request: Any, context: Any) -> Any:
        before = self._find(request.name)
        old = before.desired
        desired = dataclasses.replace(
            old, revision=old.revision + 1, cache_generation=old.cache_generation + 1
        )
        return self._apply(before, desired, before.state, before.reason)

    async def ListModels(self, request: Any, context: Any) -> Any:
        return admin_pb2.ListModelsReply(models=map(model_to_wire, self.models))

    async def SetModel(self, request: Any, context: Any) -> Any:
        return self._change(self.policy.with_model(model_policy_from_wire(request)))

    async def DeclarePrefix(self, request: Any, context: Any) -> Any:
        return self._change(self.policy.with_prefix(prefix_from_wire(request)))

    async def WithdrawPrefix(self, request: Any, context: Any) -> Any:
        return self._change(self.policy.without_prefix(request.name))

    async def ListPrefixes(self, request: Any, context: Any) -> Any:
        prefixes = map(prefix_to_wire, self.policy.prefixes)
        return admin_pb2.ListPrefixesReply(prefixes=prefixes)

    async def RevokeTickets(self, request: Any, context: Any) -> Any:
        return self._change(self.policy.revoked())

    def _change(self, policy: FleetPolicy) -> Any:
        self.policy = dataclasses.replace(policy, revision=policy.revision + 1)
        return admin_pb2.PolicyApplied(revision=self.policy.revision, durable=self.durable)

    def _find(self, name: str) -> NodeView:
        if name not in self.views:
            raise UnknownNode(f"no node '{name}' has joined", field="name")
        return self.views[name]

    def _apply(self, before: NodeView, desired: Desired, state: NodeState, reason: str) -> Any:
        after = dataclasses.replace(before, desired=desired)
        if self.applies:
            after = dataclasses.replace(
                after, state=state, reason=reason, applied_revision=desired.revision
            )
        self.views[before.info.name] = after
        return admin_pb2.Applied(desired=desired_to_wire(desired), durable=self.durable)


@asynccontextmanager
async def serve_node(*steps: Step, name: str = "fra1-a") -> AsyncIterator[FakeNode]:
    """Serve a node until the block ends."""
    node = FakeNode(name, steps)
    async with node.server:
        yield node


@asynccontextmanager
async def serve_plane(*candidates: Candidate, ttl: float = 30.0) -> AsyncIterator[FakePlane]:
    """Serve a control plane's Routing until the block ends."""
    plane = FakePlane(candidates, ttl)
    async with plane.server:
        yield plane


@asynccontextmanager
async def serve_admin(*views: NodeView) -> AsyncIterator[FakeAdmin]:
    """Serve a control plane's Admin until the block ends."""
    admin = FakeAdmin(views)
    async with admin.server:
        yield admin
