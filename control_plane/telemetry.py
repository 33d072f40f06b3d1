"""What the control plane measures of itself."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind

from control_plane.fleet.registry import Registry
from nearfield.core import genai
from nearfield.core.clock import monotonic
from nearfield.core.telemetry import Telemetry

ROUTE_BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1.0)


class PlaneTelemetry:
    """Instruments of one replica."""

    def __init__(self, telemetry: Telemetry, registry: Registry) -> None:
        self._tracer = telemetry.tracer
        self._routes = telemetry.meter.create_histogram(
            "nearfield.route.duration",
            unit="s",
            explicit_bucket_boundaries_advisory=ROUTE_BUCKETS,
        )
        telemetry.meter.create_observable_gauge(
            "nearfield.fleet.nodes", [lambda _: _count(registry, _)], unit="{node}"
        )

    @contextmanager
    def route(self, metadata: Iterable[Any]) -> Iterator[None]:
        """Follow one route decision, as a part of the caller's trace."""
        started = monotonic()
        context = genai.extract(dict(metadata))
        with self._tracer.start_as_current_span("route", context, SpanKind.SERVER):
            try:
                yield
            finally:
                self._routes.record(monotonic() - started)


def _count(registry: Registry, _: CallbackOptions) -> Iterable[Observation]:
    counts: dict[tuple[str, str], int] = {}
    for view in registry.views():
        key = (view.health.value, view.state.value)
        counts[key] = counts.get(key, 0) + 1
    for (health, state), count in counts.items():
        yield Observation(count, {"nearfield.health": health, "nearfield.state": state})
