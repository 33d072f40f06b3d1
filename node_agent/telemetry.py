"""What a node measures of each request: one span for the request, one for the engine's part."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from time import time_ns
from typing import Any

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, Status, StatusCode

from nearfield.core import genai
from nearfield.core.clock import monotonic
from nearfield.core.errors import NearfieldError
from nearfield.core.inference import Delta, Event, Finished
from nearfield.core.node import NodeLoad
from nearfield.core.telemetry import Telemetry


def publish_load(telemetry: Telemetry, read: Callable[[], NodeLoad]) -> None:
    """Offer a node's load as gauges; `read` returns it as of now."""
    gauges: dict[str, Callable[[NodeLoad], float]] = {
        "nearfield.requests.running": lambda load: load.running,
        "nearfield.requests.waiting": lambda load: load.waiting,
        "nearfield.kv_cache.usage": lambda load: load.kv_cache.usage,
        "nearfield.prefix_cache.queries": lambda load: load.kv_cache.query_tokens,
        "nearfield.prefix_cache.hits": lambda load: load.kv_cache.hit_tokens,
        "nearfield.prefix_cache.evicted_blocks": lambda load: load.kv_cache.evicted_blocks,
    }
    for name, value in gauges.items():
        observe = partial(_observe, read, value)
        telemetry.meter.create_observable_gauge(name, [observe])


def _observe(
    read: Callable[[], NodeLoad], value: Callable[[NodeLoad], float], _: CallbackOptions
) -> Iterable[Observation]:
    yield Observation(value(read()))


class ServerTelemetry:
    """Instruments of one node that serves `models`."""

    def __init__(self, telemetry: Telemetry, models: frozenset[str]) -> None:
        self._models = models
        self.tracer = telemetry.tracer
        meter = telemetry.meter
        self.duration = meter.create_histogram(
            "gen_ai.server.request.duration",
            unit="s",
            explicit_bucket_boundaries_advisory=genai.DURATION_BUCKETS,
        )
        self.ttft = meter.create_histogram(
            "gen_ai.server.time_to_first_token",
            unit="s",
            explicit_bucket_boundaries_advisory=genai.TTFT_BUCKETS,
        )
        self.tpot = meter.create_histogram(
            "gen_ai.server.time_per_output_token",
            unit="s",
            explicit_bucket_boundaries_advisory=genai.TPOT_BUCKETS,
        )

    @contextmanager
    def request(self, metadata: Iterable[Any], model: str) -> Iterator["RequestSpan"]:
        """Follow one request, as a part of the caller's trace where it names one.

        A model that is not served is not named: callers could make up series without end.
        """
        context = genai.extract(dict(metadata))
        model = model if model in self._models else ""
        attributes = genai.common(model)
        with self.tracer.start_as_current_span(
            f"{genai.GENERATE} {model}".strip(), context, SpanKind.SERVER, attributes
        ) as span:
            request = RequestSpan(self, span, attributes)
            try:
                yield request
            finally:
                request.end()


class RequestSpan:
    """One request under way."""

    def __init__(
        self, instruments: ServerTelemetry, span: trace.Span, attributes: dict[str, str]
    ) -> None:
        self._instruments = instruments
        self._span = span
        self._attributes = attributes
        self._started = monotonic()
        self._started_ns = time_ns()

    def headers(self) -> dict[str, str]:
        """Return the W3C headers under which the engine goes on."""
        return genai.inject(trace.set_span_in_context(self._span))

    def observe(self, event: Event) -> None:
        """Note the first token and the end."""
        if isinstance(event, Finished):
            self._finish(event)
        elif event.timings is not None:
            self._first(event)

    def fail(self, error: NearfieldError) -> None:
        """Note a typed error; its message names fields and limits, never a prompt."""
        self._attributes[genai.ERROR_TYPE] = type(error).__name__
        self._span.set_status(Status(StatusCode.ERROR, type(error).__name__))

    def end(self) -> None:
        """Close the books on the request."""
        self._instruments.duration.record(monotonic() - self._started, self._attributes)

    def _first(self, delta: Delta) -> None:
        if delta.timings is not None:
            self._instruments.ttft.record(delta.timings.node, self._attributes)
        if delta.provenance is not None:
            self._attributes[genai.RESPONSE_MODEL] = delta.provenance.model
            self._span.set_attribute(genai.NODE, delta.provenance.node)
            self._span.set_attribute(genai.POP, delta.provenance.pop)

    def _finish(self, finished: Finished) -> None:
        usage, timings = finished.usage, finished.timings
        if usage.completion_tokens > 1:
            tpot = timings.decode / (usage.completion_tokens - 1)
            self._instruments.tpot.record(tpot, self._attributes)
        self._span.set_attribute(genai.INPUT_TOKENS, usage.prompt_tokens)
        self._span.set_attribute(genai.OUTPUT_TOKENS, usage.completion_tokens)
        self._span_of_engine(finished)

    def _span_of_engine(self, finished: Finished) -> None:
        """The engine's clock is another one: its spans are laid from the request's start."""
        timings = finished.timings
        length = timings.queue + timings.prefill + timings.decode
        span = self._instruments.tracer.start_span(
            "engine", start_time=self._started_ns, attributes=self._attributes
        )
        span.set_attribute("nearfield.engine.queue_seconds", timings.queue)
        span.set_attribute("nearfield.engine.prefill_seconds", timings.prefill)
        span.set_attribute("nearfield.engine.decode_seconds", timings.decode)
        span.end(self._started_ns + int(length * 1e9))
