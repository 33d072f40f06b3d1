"""The Inference service of a node: gRPC in, gRPC out, nothing decided here."""

import asyncio
from typing import Any

from nearfield.core.clock import monotonic
from nearfield.core.errors import NearfieldError
from nearfield.core.wire.inference import event_to_wire, request_from_wire
from node_agent.answers import Answers
from node_agent.telemetry import ServerTelemetry
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
                    # The word goes out while the engine starts: neither waits for the other.
                    told = asyncio.ensure_future(context.send_initial_metadata(ADMITTED))
                    async for event in self._answers.run(admission, span.headers()):
                        span.observe(event)
                        await told
                        await context.write(event_to_wire(event))
            except NearfieldError as error:
                span.fail(error)
                raise
