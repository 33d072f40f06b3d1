"""One request is one trace, over every process it goes through."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nearfield.core.geo import Position
from tests.support.waiting import until_true
from tests.support.whole_fleet import WholeFleet

pytestmark = pytest.mark.engine

OSAKA = Position(34.69, 135.50)


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    yield provider
    provider.shutdown()


async def test_client_control_plane_node_and_engine_share_one_trace_without_the_prompt(
    fleet: WholeFleet, provider: TracerProvider, spans: InMemorySpanExporter
) -> None:
    marker = f"secret-{uuid4().hex}"
    async with fleet.client(tracer=provider.get_tracer("test")) as client:
        answer = client.generate(f"Say {marker}.", model="demo", near=OSAKA, max_tokens=8)
        text = await answer.text()
    (own,) = spans.get_finished_spans()
    names = {"route", "text_completion demo", "engine", "llm_request"}  # the last is vLLM's own
    found = await until_true(
        lambda: fleet.collector.spans(own.context.trace_id), lambda some: names <= set(some)
    )
    assert set(found) == names
    node = found["text_completion demo"]
    own_id = own.context.span_id.to_bytes(8, "big")
    assert found["route"].parent_span_id == node.parent_span_id == own_id
    assert found["engine"].parent_span_id == node.span_id
    assert found["llm_request"].parent_span_id == node.span_id
    attributes = {one.key: one.value for one in node.attributes}
    assert attributes["nearfield.node"].string_value == "nrt1-1"
    assert attributes["gen_ai.usage.output_tokens"].int_value == 8
    everything = fleet.collector.everything().decode(errors="replace") + own.to_json()
    assert marker not in everything
    assert text not in everything
