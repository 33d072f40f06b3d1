"""What the control plane measures of itself, and what clients tell of its predictions."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from opentelemetry.metrics import CallbackOptions, NoOpMeter, Observation
from opentelemetry.trace import NoOpTracer, SpanKind

from control_plane.fleet.registry import Registry
from nearfield.core import genai
from nearfield.core.clock import monotonic
from nearfield.core.route import RouteQuery
from nearfield.core.telemetry import Telemetry

ROUTE_BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1.0)
ERROR_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
TIER = "nearfield.tier"


class PlaneTelemetry:
    """Instruments of one replica."""

    def __init__(self, telemetry: Telemetry, registry: Registry) -> None:
        meter = telemetry.meter
        self._tracer = telemetry.tracer
        self._measures = not isinstance(meter, NoOpMeter)
        self._traces = not isinstance(self._tracer, NoOpTracer)
        self._routes = meter.create_histogram(
            "nearfield.route.duration",
            unit="s",
            explicit_bucket_boundaries_advisory=ROUTE_BUCKETS,
        )
        self._errors = meter.create_histogram(
            "nearfield.prediction.error",
            unit="1",
            description="|predicted - actual| / actual of a time to first token",
            explicit_bucket_boundaries_advisory=ERROR_BUCKETS,
        )
        self._tiers = meter.create_counter("nearfield.route.tier", unit="{answer}")
        self._early = meter.create_counter("nearfield.route.early", unit="{question}")
        meter.create_observable_gauge(
            "nearfield.fleet.nodes", [lambda _: _count(registry, _)], unit="{node}"
        )

    def route(self, context: Any) -> AbstractContextManager[None]:
        """Follow one gRPC call that asks for a route, as a part of the caller's trace."""
        if not (self._measures or self._traces):
            return nullcontext()
        return self._followed(context)

    def asked(self, query: RouteQuery) -> None:
        """Note what a question tells of earlier answers."""
        if query.early:
            self._early.add(1)
        for outcome in query.outcomes:
            self._tiers.add(1, {TIER: outcome.tier.value})
            if outcome.actual > 0:
                error = abs(outcome.predicted - outcome.actual) / outcome.actual
                self._errors.record(error, {TIER: outcome.tier.value})

    @contextmanager
    def _followed(self, context: Any) -> Iterator[None]:
        started = monotonic()
        try:
            if self._traces:
                caller = genai.extract(dict(context.invocation_metadata()))
                with self._tracer.start_as_current_span("route", caller, SpanKind.SERVER):
                    yield
            else:
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
