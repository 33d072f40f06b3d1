"""Traces and metrics of a process, by OpenTelemetry's names. Prompts are part of neither."""

import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracer, Tracer
from prometheus_client import CollectorRegistry, start_http_server

from nearfield.core.errors import ConfigError
from nearfield.core.settings import TelemetrySettings

SCOPE = "nearfield"
_log = logging.getLogger(__name__)


class Telemetry:
    """What one process measures of itself; nothing is recorded where nothing is exported."""

    def __init__(self, settings: TelemetrySettings, resource: Mapping[str, str]) -> None:
        self._resource = Resource.create(dict(resource))
        self._traces: TracerProvider | None = None
        self._metrics: MeterProvider | None = None
        self.prometheus_port = -1
        readers: list[MetricReader] = []
        if settings.otlp_endpoint:
            self._traces = TracerProvider(resource=self._resource)
            exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint)
            self._traces.add_span_processor(BatchSpanProcessor(exporter))
            metrics = OTLPMetricExporter(endpoint=settings.otlp_endpoint)
            readers.append(PeriodicExportingMetricReader(metrics))
        if settings.prometheus_port >= 0:
            readers.append(self._serve_prometheus(settings.prometheus_port))
        if readers:
            self._metrics = MeterProvider(metric_readers=readers, resource=self._resource)

    def _serve_prometheus(self, port: int) -> MetricReader:
        registry = CollectorRegistry()
        try:
            self._server, self._server_thread = start_http_server(port, "127.0.0.1", registry)
        except OSError as error:
            raise ConfigError(
                f"cannot serve Prometheus on port {port}: {error.strerror}",
                field="telemetry.prometheus_port",
            ) from None
        self.prometheus_port = self._server.server_port
        _log.info("Prometheus endpoint on 127.0.0.1:%d", self.prometheus_port)
        return PrometheusMetricReader(registry=registry)

    @property
    def tracer(self) -> Tracer:
        """Makes spans."""
        return self._traces.get_tracer(SCOPE) if self._traces else NoOpTracer()

    @property
    def meter(self) -> Meter:
        """Makes counters, gauges and histograms."""
        return self._metrics.get_meter(SCOPE) if self._metrics else NoOpMeter(SCOPE)

    def close(self) -> None:
        """Send what is left and close the endpoint."""
        if self._traces:
            self._traces.shutdown()
        if self._metrics:
            self._metrics.shutdown()
        if self.prometheus_port >= 0:
            self._server.shutdown()
            self._server.server_close()
            self._server_thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
