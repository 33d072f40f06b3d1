"""An OpenTelemetry collector in this process, behind a real OTLP port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(trace_grpc.TraceServiceServicer, metrics_grpc.MetricsServiceServicer):
    """Keeps all that it is sent; `endpoint` is what processes are told."""

    def __init__(self) -> None:
        self.endpoint = ""
        self._traces: list[trace_pb2.ExportTraceServiceRequest] = []
        self._metrics: list[metrics_pb2.ExportMetricsServiceRequest] = []

    async def Export(self, request: Any, context: Any) -> Any:
        """Take spans or metrics: both services have a method of this name."""
        if isinstance(request, trace_pb2.ExportTraceServiceRequest):
            self._traces.append(request)
            return trace_pb2.ExportTraceServiceResponse()
        self._metrics.append(request)
        return metrics_pb2.ExportMetricsServiceResponse()

    async def spans(self, trace_id: int) -> dict[str, Span]:
        """Return the spans of one trace, by name."""
        wanted = trace_id.to_bytes(16, "big")
        return {
            span.name: span
            for request in self._traces
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
            if span.trace_id == wanted
        }

    def everything(self) -> bytes:
        """Return all that was ever received, as it was sent."""
        return b"".join(one.SerializeToString() for one in (*self._traces, *self._metrics))


@asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    """Serve on a free port of loopback until the block ends."""
    collector = Collector()
    server = grpc.aio.server()
    trace_grpc.add_TraceServiceServicer_to_server(collector, server)
    metrics_grpc.add_MetricsServiceServicer_to_server(collector, server)
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(None)
