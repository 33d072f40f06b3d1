import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider

from nearfield.core import genai


def test_every_signal_says_which_operation_on_which_model() -> None:
    assert genai.common("qwen3-8b") == {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "nearfield",
        "gen_ai.request.model": "qwen3-8b",
    }


def test_a_trace_goes_from_one_process_to_the_next_in_headers() -> None:
    span = TracerProvider().get_tracer("test").start_span("request")
    headers = genai.inject(trace.set_span_in_context(span, Context()))
    arrived = trace.get_current_span(genai.extract(headers)).get_span_context()
    assert arrived.trace_id == span.get_span_context().trace_id
    assert arrived.is_remote
    span.end()


def test_what_is_not_traced_sends_no_headers() -> None:
    assert genai.inject(Context()) == {}


def test_headers_that_are_no_trace_start_none() -> None:
    arrived = trace.get_current_span(genai.extract({"traceparent": "nonsense"}))
    assert not arrived.get_span_context().is_valid


@pytest.mark.parametrize(
    "buckets",
    [genai.TTFT_BUCKETS, genai.TPOT_BUCKETS, genai.DURATION_BUCKETS, genai.TOKEN_BUCKETS],
)
def test_bucket_boundaries_rise(buckets: tuple[float, ...]) -> None:
    assert list(buckets) == sorted(set(buckets))
