"""From our sampling values to vLLM's, and its tokens back to ours."""

from collections.abc import Mapping
from typing import Any

from vllm import SamplingParams
from vllm.sampling_params import RequestOutputKind

from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import Alternative, Sampling, TokenLogprobs
from node_agent.engine.vllm.prompts import is_client_error

_HAS_INTERVAL = "stream_interval" in SamplingParams.__struct_fields__
_SAME_NAME = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "seed",
    "min_tokens",
    "logprobs",
    "ignore_eos",
)


def to_params(
    sampling: Sampling, defaults: Mapping[str, Any], room: int, tokens_per_piece: int = 1
) -> SamplingParams:
    """Join a request's values with the model's defaults.

    `room` is the tokens that the context leaves for an answer. Raises InvalidRequest
    where vLLM refuses what our own limits let through.
    """
    values = dict(defaults)
    for name in _SAME_NAME:
        value = getattr(sampling, name)
        if value is not None:
            values[name] = value
    values["max_tokens"] = min(sampling.max_tokens or values.get("max_tokens") or room, room)
    # With log probabilities each token is a piece: they are as many as its ids. Older vLLM knows
    # one interval for all requests, and is left at one token.
    if tokens_per_piece > 1 and not sampling.logprobs and _HAS_INTERVAL:
        values["stream_interval"] = tokens_per_piece
    try:
        return SamplingParams(
            **values, stop=list(sampling.stop), output_kind=RequestOutputKind.DELTA
        )
    except Exception as error:
        if not is_client_error(error):
            raise
        raise InvalidRequest(f"sampling: {error}", field="sampling") from None


def logprobs_from(steps: Any, token_ids: tuple[int, ...]) -> tuple[TokenLogprobs, ...]:
    """Return one entry for each token id; `steps` is vLLM's list of {token id: Logprob}."""
    if not steps:
        return ()
    return tuple(
        TokenLogprobs(
            logprob=step[token_id].logprob,
            alternatives=tuple(
                Alternative(other, value.logprob, value.decoded_token or "")
                for other, value in sorted(step.items(), key=lambda item: item[1].rank or 0)
            ),
        )
        for token_id, step in zip(token_ids, steps, strict=True)
    )
