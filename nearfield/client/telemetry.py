"""What a client measures; the application's own OpenTelemetry set-up receives it."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from nearfield.client.answer import Record
from nearfield.core import genai
from nearfield.core.clock import monotonic
from nearfield.core.errors import NearfieldError

TIER = "nearfield.tier"


class ClientTelemetry:
    """Instruments of one client."""

    def __init__(self, tracer: trace.Tracer | None, meter: metrics.Meter | None) -> None:
        self._tracer = tracer or trace.get_tracer("nearfield.client")
        meter = meter or metrics.get_meter("nearfield.client")
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            explicit_bucket_boundaries_advisory=genai.DURATION_BUCKETS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            explicit_bucket_boundaries_advisory=genai.TOKEN_BUCKETS,
        )
        self._requests = meter.create_counter("nearfield.client.requests", unit="{request}")
        self._early = meter.create_counter("nearfield.client.early_routes", unit="{question}")
        self._declines = meter.create_counter("nearfield.client.declines", unit="{attempt}")
        self._error = meter.create_histogram(
            "nearfield.client.prediction.error",
            unit="s",
            description="how far predicted and actual time to the first token lie apart",
            explicit_bucket_boundaries_advisory=genai.TTFT_BUCKETS,
        )

    @contextmanager
    def request(self, model: str, record: Record) -> Iterator[dict[str, str]]:
        """Follow one request; yields the trace headers to send along."""
        started = monotonic()
        attributes = genai.common(model)
        # The span is not made current: an answer is a generator, which ends in any context.
        span = self._tracer.start_span(
            f"{genai.GENERATE} {model}".strip(), kind=SpanKind.CLIENT, attributes=attributes
        )
        try:
            yield genai.inject(trace.set_span_in_context(span))
        except NearfieldError as error:
            attributes[genai.ERROR_TYPE] = type(error).__name__
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            self._duration.record(monotonic() - started, attributes)
            self._count_tokens(record, attributes)
            self._count_choice(record, attributes)
            _describe(span, record)
            span.end()

    def _count_tokens(self, record: Record, attributes: dict[str, str]) -> None:
        if record.finished is None:
            return
        usage = record.finished.usage
        self._tokens.record(usage.prompt_tokens, {**attributes, genai.TOKEN_TYPE: "input"})
        self._tokens.record(usage.completion_tokens, {**attributes, genai.TOKEN_TYPE: "output"})

    def _count_choice(self, record: Record, attributes: dict[str, str]) -> None:
        """Count what was chosen for a request, and how well that was foreseen."""
        if record.tier is not None:
            attributes = {**attributes, TIER: record.tier}
        self._requests.add(1, attributes)
        if record.early:
            self._early.add(1, attributes)
        if record.declines:
            self._declines.add(record.declines, attributes)
        if record.actual is not None:
            self._error.record(abs(record.actual - record.predicted), attributes)


def _describe(span: trace.Span, record: Record) -> None:
    split = record.split
    span.set_attribute("nearfield.route_seconds", split.route)
    span.set_attribute("nearfield.round_trip_seconds", split.round_trip)
    span.set_attribute("nearfield.ttft_seconds", split.total)
    span.set_attribute("nearfield.attempts", record.attempts)
    span.set_attribute("nearfield.declines", record.declines)
    if record.tier is not None:
        span.set_attribute(TIER, record.tier)
        span.set_attribute("nearfield.predicted_ttft_seconds", record.predicted)
    host, _, port = record.endpoint.rpartition(":")
    if port.isdigit():
        span.set_attribute(genai.SERVER_ADDRESS, host)
        span.set_attribute(genai.SERVER_PORT, int(port))
    if record.provenance is not None:
        span.set_attribute(genai.POP, record.provenance.pop)
        span.set_attribute(genai.NODE, record.provenance.node)
