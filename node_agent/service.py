"""The Inference service of a node: gRPC in, gRPC out, nothing decided here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

from nearfield.core.inference import Event
from nearfield.core.session import Admitted
from nearfield.core.wire.inference import event_to_wire
from node_agent.answers import Answers
from node_agent.session.generation import Generations
from node_agent.session.session import Session
from node_agent.telemetry import ServerTelemetry
from protos.nearfield.v1 import inference_pb2, inference_pb2_grpc

SERVICE = "nearfield.v1.Inference"
ADMITTED = (("nearfield-admitted", "1"),)


class InferenceService(inference_pb2_grpc.InferenceServicer):
    """Generates on this node's engine: many answers over a session, or one over a call."""

    def __init__(
        self, answers: Answers, telemetry: ServerTelemetry, leaving: asyncio.Event | None = None
    ) -> None:
        self._generations = Generations(answers, telemetry)
        self._leaving = leaving

    async def Generate(  # type: ignore[override]
        self, message: inference_pb2.GenerateRequest, context: Any
    ) -> None:
        """Answer one request; a slow reader holds its own engine output back, and only that."""
        call = _Call(context)
        try:
            await self._generations.run(
                message, context.invocation_metadata(), call.put, context.time_remaining()
            )
        finally:
            await call.settle()

    async def Session(  # type: ignore[override]
        self, calls: AsyncIterator[inference_pb2.SessionCalls], context: Any
    ) -> None:
        """Answer whatever the client starts on this stream, until this node is leaving."""
        await Session(self._generations, context.write, self._leaving).serve(calls)


class _Call:
    """A call with one answer: its admission is the initial metadata."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._told: asyncio.Future[None] | None = None

    def put(self, event: Admitted | Event) -> Awaitable[None] | None:
        if isinstance(event, Admitted):
            # The word of admission goes out while the engine starts.
            self._told = asyncio.ensure_future(self._context.send_initial_metadata(ADMITTED))
            return None
        return self._write(event)

    async def _write(self, event: Event) -> None:
        if self._told is not None:
            await self._told
            self._told = None
        await self._context.write(event_to_wire(event))

    async def settle(self) -> None:
        """An answer may end before its first piece; the word must be out by then."""
        if self._told is not None:
            await asyncio.gather(self._told, return_exceptions=True)
