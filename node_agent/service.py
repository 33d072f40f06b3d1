"""The Inference service of a node: gRPC in, gRPC out, nothing decided here."""

import asyncio
from typing import Any

from nearfield.core.clock import monotonic
from nearfield.core.errors import NearfieldError
from nearfield.core.wire.inference import event_to_wire, request_from_wire
from node_agent.answers import Admission, Answers
from node_agent.telemetry import RequestSpan, ServerTelemetry
from protos.nearfield.v1 import inference_pb2, inference_pb2_grpc

SERVICE = "nearfield.v1.Inference"
ADMITTED = (("nearfield-admitted", "1"),)


class InferenceService(inference_pb2_grpc.InferenceServicer):
    """Generates on this node's engine."""

    def __init__(self, answers: Answers, telemetry: ServerTelemetry) -> None:
        self._answers = answers
        self._telemetry = telemetry

    async def Generate(  # type: ignore[override]
        self, message: inference_pb2.GenerateRequest, context: Any
    ) -> None:
        """Say at once whether the request is admitted, then write what the engine yields.

        While one write is under way the engine's next tokens gather into one piece.
        """
        arrived = monotonic()
        with self._telemetry.request(context.invocation_metadata(), message.model) as span:
            try:
                request = request_from_wire(message)
                prompt = await self._answers.read(request)
                with self._answers.admit(request, prompt, arrived) as admission:
                    await self._answer(admission, span, context)
            except NearfieldError as error:
                span.fail(error)
                raise

    async def _answer(self, admission: Admission, span: RequestSpan, context: Any) -> None:
        """Write the answer; the word of admission goes out while the engine starts."""
        told = asyncio.ensure_future(context.send_initial_metadata(ADMITTED))
        try:
            async for event in self._answers.run(admission, span.headers()):
                span.observe(event)
                await told
                await context.write(event_to_wire(event))
        finally:
            # An answer may end before its first piece; the word must be out by then.
            await asyncio.gather(told, return_exceptions=True)
