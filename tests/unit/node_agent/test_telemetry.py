from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nearfield.core import genai
from nearfield.core.errors import Overloaded
from nearfield.core.inference import (
    Delta,
    Finished,
    FinishReason,
    Provenance,
    Timings,
    Usage,
)
from nearfield.core.node import KvCacheLoad, NodeLoad
from node_agent.telemetry import ServerTelemetry, publish_load

PARENT = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
FIRST = Delta(
    0,
    (1,),
    "secret",
    provenance=Provenance("fra1", "fra1-a", "eu", "demo", "blake2b:aa", 9, 0),
    timings=Timings(queue=0.1, prefill=0.2, node=0.35),
)
LAST = Finished(
    FinishReason.STOP, Usage(9, 0, 5), Timings(queue=0.1, prefill=0.2, decode=0.8, node=0.35)
)


class Recorder:
    """OpenTelemetry that keeps what it is told."""

    def __init__(self) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        traces = TracerProvider()
        traces.add_span_processor(SimpleSpanProcessor(self._spans))
        meter = MeterProvider([self._reader]).get_meter("test")
        self.sink: Any = SimpleNamespace(tracer=traces.get_tracer("test"), meter=meter)
        self.telemetry = ServerTelemetry(self.sink, frozenset({"demo"}))

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._spans.get_finished_spans()}

    def metrics(self) -> dict[str, Any]:
        data = self._reader.get_metrics_data()
        found = data.resource_metrics[0].scope_metrics[0].metrics if data else []
        return {metric.name: metric.data.data_points[0] for metric in found}


def test_a_model_that_is_not_served_makes_no_series_of_its_own() -> None:
    recorder = Recorder()
    with recorder.telemetry.request((), "made-up"):
        pass
    duration = recorder.metrics()["gen_ai.server.request.duration"]
    assert duration.attributes[genai.REQUEST_MODEL] == ""
    assert list(recorder.spans()) == [genai.GENERATE]


def test_a_request_is_one_span_with_the_engines_part_in_it() -> None:
    recorder = Recorder()
    with recorder.telemetry.request((), "demo") as span:
        span.observe(FIRST)
        span.observe(LAST)
    spans = recorder.spans()
    request, engine = spans[f"{genai.GENERATE} demo"], spans["engine"]
    assert request.attributes is not None
    assert request.attributes[genai.NODE] == "fra1-a"
    assert request.attributes[genai.POP] == "fra1"
    assert request.attributes[genai.INPUT_TOKENS] == 9
    assert request.attributes[genai.OUTPUT_TOKENS] == 5
    assert engine.parent is not None
    assert engine.parent.span_id == request.context.span_id
    assert engine.end_time - engine.start_time == pytest.approx(1.1e9)


def test_times_are_measured_as_the_node_and_the_engine_told_them() -> None:
    recorder = Recorder()
    with recorder.telemetry.request((), "demo") as span:
        span.observe(FIRST)
        span.observe(LAST)
    metrics = recorder.metrics()
    assert metrics["gen_ai.server.time_to_first_token"].sum == 0.35
    assert metrics["gen_ai.server.time_per_output_token"].sum == 0.2
    assert metrics["gen_ai.server.request.duration"].count == 1


def test_a_single_token_has_no_time_per_token() -> None:
    recorder = Recorder()
    with recorder.telemetry.request((), "demo") as span:
        span.observe(Finished(FinishReason.LENGTH, Usage(9, 0, 1), Timings()))
    assert "gen_ai.server.time_per_output_token" not in recorder.metrics()


def test_a_request_goes_on_in_its_callers_trace_and_so_does_the_engine() -> None:
    recorder = Recorder()
    with recorder.telemetry.request((("traceparent", PARENT),), "demo") as span:
        headers = span.headers()
    request = recorder.spans()[f"{genai.GENERATE} demo"]
    assert request.context.trace_id == int(PARENT.split("-")[1], 16)
    assert headers["traceparent"].split("-")[1] == PARENT.split("-")[1]
    assert headers["traceparent"].split("-")[2] == f"{request.context.span_id:016x}"


def test_a_refused_request_is_counted_under_its_error() -> None:
    recorder = Recorder()
    with recorder.telemetry.request((), "demo") as span:
        span.fail(Overloaded("full"))
    duration = recorder.metrics()["gen_ai.server.request.duration"]
    assert duration.attributes[genai.ERROR_TYPE] == "Overloaded"
    assert not recorder.spans()[f"{genai.GENERATE} demo"].status.is_ok


def test_no_text_reaches_a_span_or_a_metric() -> None:
    recorder = Recorder()
    with recorder.telemetry.request((), "demo") as span:
        span.observe(FIRST)
        span.observe(LAST)
    told = [span.to_json() for span in recorder.spans().values()]
    assert "secret" not in f"{told} {recorder.metrics()}"


def test_a_nodes_load_is_offered_as_gauges() -> None:
    recorder = Recorder()
    load = NodeLoad(running=2, waiting=1, kv_cache=KvCacheLoad(0.5, 64, 32, 10, 4, 3))
    publish_load(recorder.sink, lambda: load)
    metrics = recorder.metrics()
    told = {name: point.value for name, point in metrics.items() if name.startswith("nearfield.")}
    assert told == {
        "nearfield.requests.running": 2,
        "nearfield.requests.waiting": 1,
        "nearfield.kv_cache.usage": 0.5,
        "nearfield.prefix_cache.queries": 10,
        "nearfield.prefix_cache.hits": 4,
        "nearfield.prefix_cache.evicted_blocks": 3,
    }
