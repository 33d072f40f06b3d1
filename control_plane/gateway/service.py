"""Inference for thin clients: the same service as a node's, answered through the client."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from nearfield.client.client import Client
from nearfield.core import genai
from nearfield.core.errors import Unsupported
from nearfield.core.geo import Position
from nearfield.core.telemetry import Telemetry
from nearfield.core.wire.inference import event_to_wire, request_from_wire
from protos.nearfield.v1 import inference_pb2, inference_pb2_grpc

SERVICE = "nearfield.v1.Inference"
ADMITTED = (("nearfield-admitted", "1"),)


class GatewayService(inference_pb2_grpc.InferenceServicer):
    """Forwards requests to the node that can answer soonest from here."""

    def __init__(self, client: Client, position: Position | None, telemetry: Telemetry) -> None:
        self._client = client
        self._position = position
        self._tracer = telemetry.tracer

    async def Generate(  # type: ignore[override]
        self, message: inference_pb2.GenerateRequest, context: Any
    ) -> None:
        """Stream an answer; admission is passed on once a node has admitted.

        The stream to the node starts here, so the origin is this gateway's place, and the
        client's only where that is not known.
        """
        trace = genai.extract(dict(context.invocation_metadata()))
        request = request_from_wire(message)
        request = replace(request, origin=self._position or request.origin)
        with self._tracer.start_as_current_span("gateway", trace):
            admitted = False
            events = self._client.stream(request, timeout=context.time_remaining())
            async for event in events:
                if not admitted:
                    await context.send_initial_metadata(ADMITTED)
                    admitted = True
                await context.write(event_to_wire(event))

    async def Session(  # type: ignore[override]
        self, calls: AsyncIterator[inference_pb2.SessionCalls], context: Any
    ) -> None:
        """Refuse: who can speak it asks the nodes themselves."""
        raise Unsupported("a gateway answers one request a call", field="Session", limit="Generate")
