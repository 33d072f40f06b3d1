"""A node's Inference service on a real port, asked over each of its two transports."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from nearfield.client.attempt import Trip, attempt
from nearfield.client.connections import Connection
from nearfield.core.inference import Event, Request
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.core.settings import TelemetrySettings
from nearfield.core.telemetry import Telemetry
from nearfield.core.wire.inference import event_from_wire, request_to_wire
from node_agent.engine.simulated import SimulatedEngine
from node_agent.service import SERVICE, InferenceService
from node_agent.telemetry import ServerTelemetry
from protos.nearfield.v1 import inference_pb2_grpc
from tests.support.node_builders import Desk

Ask = Callable[..., AsyncGenerator[Event]]


@dataclass
class Served:
    """A desk whose answers are served; `stub` speaks to it without the client."""

    desk: Desk
    server: RpcServer
    channel: grpc.aio.Channel
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = Connection(self.channel)
        self.stub: Any = inference_pb2_grpc.InferenceStub(self.channel)

    async def session(self, wanted: Request, timeout: float | None = None) -> AsyncGenerator[Event]:
        """Ask over the session."""
        trip = Trip()
        events = attempt(self.connection, wanted, trip, metadata={}, timeout=timeout)
        async with aclosing(events):
            async for event in events:
                yield event

    async def plain(self, wanted: Request, timeout: float | None = None) -> AsyncGenerator[Event]:
        """Ask over a call of its own."""
        call = self.stub.Generate(request_to_wire(wanted), timeout=timeout)
        admitted = False
        try:
            admitted = bool(await call.initial_metadata())
            async for message in call:
                event = event_from_wire(message)
                if event is not None:
                    yield event
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, admitted=admitted) from None
        finally:
            call.cancel()


@asynccontextmanager
async def served(desk: Desk, port: int = 0) -> AsyncIterator[Served]:
    """Serve a desk's answers until the block ends."""
    with Telemetry(TelemetrySettings(), {}) as telemetry:
        server = RpcServer(f"127.0.0.1:{port}", (SERVICE,), PLAINTEXT)
        instruments = ServerTelemetry(telemetry, frozenset({desk.engine.info.model.name}))
        inference_pb2_grpc.add_InferenceServicer_to_server(
            InferenceService(desk.answers, instruments, server.leaving), server.grpc
        )
        await server.start()
        node = Served(desk, server, open_channel(f"127.0.0.1:{server.port}", PLAINTEXT))
        try:
            yield node
        finally:
            await node.connection.aclose()
            await server.grpc.stop(None)


def desk(queue: int = 64, **engine: Any) -> Desk:
    """Return a desk with an engine of one step a millisecond and room for long answers."""
    values = {"step_seconds": 0.001, "context_tokens": 16_384, **engine}
    return Desk(SimulatedEngine(**values), queue=queue)


async def whole(events: AsyncGenerator[Event]) -> list[Event]:
    """Return all events of an answer."""
    async with aclosing(events):
        return [event async for event in events]
