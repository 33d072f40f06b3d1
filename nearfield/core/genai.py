"""OpenTelemetry's names for generative models, as far as the project uses them."""

from collections.abc import Mapping
from typing import Any

from opentelemetry import propagate
from opentelemetry.context import Context

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
TOKEN_TYPE = "gen_ai.token.type"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
POP = "nearfield.pop"
NODE = "nearfield.node"

GENERATE = "text_completion"
NEARFIELD = "nearfield"

TTFT_BUCKETS = (
    0.001,
    0.005,
    0.01,
    0.02,
    0.04,
    0.06,
    0.08,
    0.1,
    0.25,
    0.5,
    0.75,
    1.0,
    2.5,
    5.0,
    7.5,
    10.0,
)
TPOT_BUCKETS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
DURATION_BUCKETS = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)
TOKEN_BUCKETS = tuple(float(4**power) for power in range(11))


def common(model: str) -> dict[str, str]:
    """Return the attributes that every span and metric of one request carries."""
    return {OPERATION: GENERATE, PROVIDER: NEARFIELD, REQUEST_MODEL: model}


def inject(context: Context) -> dict[str, str]:
    """Return W3C trace headers of a context; empty where nothing is traced."""
    headers: dict[str, str] = {}
    propagate.inject(headers, context)
    return headers


def extract(headers: Mapping[str, Any]) -> Context:
    """Return the context that W3C trace headers name."""
    return propagate.extract(headers)
