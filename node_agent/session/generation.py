"""One generation from its wire form to its last event, whatever it travels on."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any

from nearfield.core.clock import monotonic
from nearfield.core.errors import NearfieldError
from nearfield.core.inference import Event
from nearfield.core.node import NodeLoad
from nearfield.core.session import Admitted
from nearfield.core.wire.inference import request_from_wire
from node_agent.answers import Admission, Answers
from node_agent.telemetry import RequestSpan, ServerTelemetry
from protos.nearfield.v1 import inference_pb2 as pb

Sink = Callable[[Admitted | Event], Awaitable[None] | None]
"""Takes an event; what it returns is awaited before the engine is asked for the next.

One that returns None costs no turn of the event loop for each token.
"""


class Generations:
    """Runs generations on this node's engine."""

    def __init__(self, answers: Answers, telemetry: ServerTelemetry) -> None:
        self._answers = answers
        self._telemetry = telemetry

    def load(self) -> NodeLoad:
        """Return the node's load of this moment."""
        return self._answers.load()

    async def run(
        self,
        message: pb.GenerateRequest,
        trace: Iterable[Any],
        sink: Sink,
        timeout: float | None = None,
    ) -> None:
        """Say at once whether the request is admitted, then pass on what the engine yields.

        `trace` are metadata pairs; `timeout` is in seconds, and the transport's to keep: here
        it only tells whether admission makes sense. Raises NearfieldError.
        """
        arrived = monotonic()
        deadline = None if timeout is None else arrived + timeout
        with self._telemetry.request(trace, message.model) as span:
            try:
                request = request_from_wire(message)
                prepared = await self._answers.read(request)
                with self._answers.admit(request, prepared, arrived, deadline) as admission:
                    await self._pass_on(admission, span, sink)
            except NearfieldError as error:
                span.fail(error)
                raise

    async def _pass_on(self, admission: Admission, span: RequestSpan, sink: Sink) -> None:
        told = sink(Admitted(self._answers.load()))
        if told is not None:
            await told
        async with aclosing(self._answers.run(admission, span.headers())) as events:
            async for event in events:
                span.observe(event)
                written = sink(event)
                if written is not None:
                    await written
