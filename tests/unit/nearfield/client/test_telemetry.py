from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nearfield.client.answer import Record
from nearfield.client.client import Client
from nearfield.client.telemetry import ClientTelemetry
from nearfield.core import genai
from nearfield.core.errors import NoCandidate
from nearfield.core.route import Tier
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import candidate, finished, first_delta
from tests.support.nearfield_servers import serve_node, serve_plane


class Collected:
    """What a client's telemetry has exported so far."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.traces = TracerProvider()
        self.traces.add_span_processor(SimpleSpanProcessor(self._spans))
        self.metrics = MeterProvider([self._reader])
        self.tracer = self.traces.get_tracer("test")
        self.meter = self.metrics.get_meter("test")

    def span(self) -> ReadableSpan:
        (only,) = self._spans.get_finished_spans()
        return only

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        assert data is not None
        metrics = data.resource_metrics[0].scope_metrics[0].metrics
        (metric,) = [one for one in metrics if one.name == name]
        return list(metric.data.data_points)


@pytest.fixture
def collected() -> Iterator[Collected]:
    made = Collected()
    yield made
    made.traces.shutdown()
    made.metrics.shutdown()


async def test_a_request_is_one_span_that_says_where_it_went(collected: Collected) -> None:
    async with serve_node(first_delta(), finished()) as node, serve_plane(node.candidate()) as at:
        async with Client(
            at.address, tracer=collected.tracer, meter=collected.meter, security=PLAINTEXT
        ) as client:
            await client.generate("secret words", model="qwen3-8b").text()
        arrived = node.metadata[0]["traceparent"]
    span = collected.span()
    assert span.name == "text_completion qwen3-8b"
    assert span.attributes is not None
    assert (span.attributes["nearfield.node"], span.attributes["nearfield.pop"]) == (
        "fra1-a",
        "fra1",
    )
    assert span.attributes["nearfield.attempts"] == 1
    where = f"{span.attributes[genai.SERVER_ADDRESS]}:{span.attributes[genai.SERVER_PORT]}"
    assert where == node.candidate().endpoint
    assert f"{span.context.trace_id:032x}" in arrived
    assert "secret" not in span.to_json()


def test_a_failure_is_named_in_the_span_and_in_the_duration(collected: Collected) -> None:
    telemetry = ClientTelemetry(collected.tracer, collected.meter)
    with pytest.raises(NoCandidate), telemetry.request("m", Record()):
        raise NoCandidate("nobody")
    assert collected.span().status.description == "NoCandidate"
    (point,) = collected.points("gen_ai.client.operation.duration")
    assert point.attributes["error.type"] == "NoCandidate"


def test_what_was_chosen_is_counted_with_how_well_it_was_foreseen(collected: Collected) -> None:
    record = Record(candidate=candidate(tier=Tier.CORE), prediction=candidate().prediction)
    record.actual, record.early = record.predicted - 0.005, True
    record.declines = 2
    with ClientTelemetry(collected.tracer, collected.meter).request("m", record):
        pass
    (requests,) = collected.points("nearfield.client.requests")
    (early,) = collected.points("nearfield.client.early_routes")
    (error,) = collected.points("nearfield.client.prediction.error")
    assert (requests.value, requests.attributes["nearfield.tier"]) == (1, "core")
    assert early.value == 1
    (declines,) = collected.points("nearfield.client.declines")
    assert declines.value == 2
    assert error.sum == pytest.approx(0.005)
    attributes = collected.span().attributes
    assert attributes is not None
    assert attributes["nearfield.tier"] == "core"
    assert attributes["nearfield.declines"] == 2
    assert attributes["nearfield.predicted_ttft_seconds"] == record.predicted


def test_a_request_that_nobody_was_asked_for_has_no_tier(collected: Collected) -> None:
    telemetry = ClientTelemetry(collected.tracer, collected.meter)
    with pytest.raises(NoCandidate), telemetry.request("m", Record()):
        raise NoCandidate("nobody")
    (point,) = collected.points("nearfield.client.requests")
    assert "nearfield.tier" not in point.attributes
    assert point.attributes["error.type"] == "NoCandidate"


def test_tokens_are_counted_by_their_direction(collected: Collected) -> None:
    record = Record()
    record.note(finished(completion_tokens=7), 1.0)
    with ClientTelemetry(collected.tracer, collected.meter).request("m", record):
        pass
    points = collected.points("gen_ai.client.token.usage")
    assert {point.attributes["gen_ai.token.type"]: point.sum for point in points} == {
        "input": 4,
        "output": 7,
    }


def test_an_answer_left_early_still_ends_its_span(collected: Collected) -> None:
    telemetry = ClientTelemetry(collected.tracer, collected.meter)
    with pytest.raises(GeneratorExit), telemetry.request("m", Record()):
        raise GeneratorExit
    assert collected.span().end_time is not None


def test_without_a_set_up_nothing_is_traced_and_nothing_fails() -> None:
    with ClientTelemetry(None, None).request("m", Record()) as headers:
        assert headers == {}
