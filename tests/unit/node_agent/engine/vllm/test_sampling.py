from types import SimpleNamespace
from typing import Any

import pytest
from vllm.sampling_params import RequestOutputKind

from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import Alternative, Sampling
from node_agent.admission.validation import RANGES
from node_agent.engine.vllm.sampling import logprobs_from, to_params

VALUES = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 7,
    "min_p": 0.1,
    "presence_penalty": 0.2,
    "frequency_penalty": 0.3,
    "repetition_penalty": 1.1,
    "seed": 42,
    "min_tokens": 3,
    "logprobs": 4,
    "ignore_eos": True,
}


@pytest.mark.parametrize("name", list(VALUES))
def test_what_a_request_says_reaches_vllm(name: str) -> None:
    params = to_params(Sampling(**{name: VALUES[name]}), {}, 100)  # type: ignore[arg-type]
    assert getattr(params, name) == VALUES[name]


def test_what_a_request_leaves_open_is_the_models_default_and_then_vllms() -> None:
    params = to_params(Sampling(top_p=0.9), {"temperature": 0.6, "top_p": 0.5}, 100)
    assert (params.temperature, params.top_p, params.top_k) == (0.6, 0.9, 0)


def test_a_zero_is_said_and_not_left_open() -> None:
    assert to_params(Sampling(temperature=0.0, seed=0), {"temperature": 0.6}, 9).temperature == 0
    assert to_params(Sampling(temperature=0.0, seed=0), {"seed": 5}, 9).seed == 0


@pytest.mark.parametrize(
    ("asked", "default", "room", "most"),
    [(5, {}, 100, 5), (500, {}, 100, 100), (None, {}, 100, 100), (None, {"max_tokens": 9}, 100, 9)],
)
def test_an_answer_ends_where_it_was_told_or_the_context_does(
    asked: int | None, default: dict[str, int], room: int, most: int
) -> None:
    assert to_params(Sampling(max_tokens=asked), default, room).max_tokens == most


def test_stop_strings_and_deltas_are_asked_for() -> None:
    params = to_params(Sampling(stop=("a", "bc")), {}, 9)
    assert params.stop == ["a", "bc"]
    assert params.output_kind is RequestOutputKind.DELTA


def test_what_vllm_refuses_is_the_callers_error() -> None:
    with pytest.raises(InvalidRequest) as caught:
        to_params(Sampling(min_tokens=20), {}, 10)
    assert caught.value.field == "sampling"


@pytest.mark.parametrize("name", list(RANGES))
def test_vllm_takes_every_value_that_our_limits_let_through(name: str) -> None:
    bounds = RANGES[name]
    low = bounds.low + 0.001 if bounds.open_low else bounds.low
    kind = int if name in {"top_k", "logprobs"} else float
    for value in (low, bounds.high):
        to_params(Sampling(**{name: kind(value)}), {}, 100)


def step(*logprobs: tuple[int, float, int, str | None]) -> dict[int, Any]:
    return {
        token: SimpleNamespace(logprob=value, rank=rank, decoded_token=text)
        for token, value, rank, text in logprobs
    }


def test_without_logprobs_there_are_none() -> None:
    assert logprobs_from(None, (1, 2)) == ()


def test_logprobs_come_one_a_token_with_the_best_alternative_first() -> None:
    steps = [step((9, -2.0, 3, "c"), (7, -0.1, 1, "a"), (8, -1.0, 2, None))]
    (found,) = logprobs_from(steps, (9,))
    assert found.logprob == -2.0
    assert found.alternatives == (
        Alternative(7, -0.1, "a"),
        Alternative(8, -1.0, ""),
        Alternative(9, -2.0, "c"),
    )


def test_a_token_without_its_logprobs_is_a_fault() -> None:
    with pytest.raises(ValueError):
        logprobs_from([step((9, -2.0, 1, "c"))], (9, 10))


def test_tokens_of_a_busy_node_travel_together() -> None:
    assert to_params(Sampling(), {}, 100, tokens_per_piece=3).stream_interval == 3
    assert to_params(Sampling(), {}, 100).stream_interval is None


def test_with_log_probabilities_each_token_travels_by_itself() -> None:
    assert to_params(Sampling(logprobs=1), {}, 100, tokens_per_piece=3).stream_interval is None
