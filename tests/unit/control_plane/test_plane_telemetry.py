"""What the control plane exports of its routes."""

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer

from control_plane.fleet.registry import Registry
from control_plane.telemetry import PlaneTelemetry
from nearfield.core.node import NodeState
from nearfield.core.route import Outcome, Tier
from nearfield.core.settings import TelemetrySettings
from nearfield.core.telemetry import Telemetry
from tests.support.plane_builders import query
from tests.support.records import node_info


class Exporting:
    """Stands for a Telemetry that exports into memory."""

    def __init__(self, *, traces: bool) -> None:
        self.reader = InMemoryMetricReader()
        self.spans = InMemorySpanExporter()
        self.meter = MeterProvider([self.reader]).get_meter("test")
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.spans))
        self.tracer: Any = provider.get_tracer("test") if traces else NoOpTracer()

    def points(self) -> dict[str, list[Any]]:
        """Return every instrument's data points."""
        data: Any = self.reader.get_metrics_data()
        metrics = data.resource_metrics[0].scope_metrics[0].metrics
        return {metric.name: list(metric.data.data_points) for metric in metrics}


class Call:
    """Stands for a gRPC call's context; counts how often its headers are read."""

    def __init__(self) -> None:
        self.read = 0

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        self.read += 1
        return (("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"),)


def _plane(exporting: Any) -> PlaneTelemetry:
    registry = Registry()
    registry.join(node_info(), NodeState.READY)
    return PlaneTelemetry(exporting, registry)


def test_predictions_are_held_against_what_came_by_tier() -> None:
    exporting = Exporting(traces=False)
    outcomes = (Outcome("a", 0.3, 0.2, Tier.POP), Outcome("b", 0.1, 0.2, Tier.CORE))
    _plane(exporting).asked(query(outcomes=outcomes, early=True))
    points = exporting.points()
    errors = {
        one.attributes["nearfield.tier"]: one.sum for one in points["nearfield.prediction.error"]
    }
    assert {tier: round(error, 6) for tier, error in errors.items()} == {"pop": 0.5, "core": 0.5}
    tiers = {one.attributes["nearfield.tier"]: one.value for one in points["nearfield.route.tier"]}
    assert tiers == {"pop": 1, "core": 1}
    assert points["nearfield.route.early"][0].value == 1


def test_an_answer_that_took_no_time_counts_by_its_tier_alone() -> None:
    exporting = Exporting(traces=False)
    _plane(exporting).asked(query(outcomes=(Outcome("a", 0.3, 0.0, Tier.POP),)))
    points = exporting.points()
    assert points["nearfield.route.tier"][0].value == 1
    assert "nearfield.prediction.error" not in points
    assert "nearfield.route.early" not in points


def test_a_route_is_a_part_of_its_callers_trace() -> None:
    exporting = Exporting(traces=True)
    with _plane(exporting).route(Call()):
        pass
    (span,) = exporting.spans.get_finished_spans()
    assert (span.name, span.parent.span_id) == ("route", int("b" * 16, 16))
    assert exporting.points()["nearfield.route.duration"][0].count == 1


def test_where_nothing_is_exported_a_routes_headers_are_not_even_read() -> None:
    call = Call()
    with _plane(Telemetry(TelemetrySettings(), {})).route(call):
        pass
    assert call.read == 0
    with _plane(Exporting(traces=False)).route(call):
        pass
    assert call.read == 0
