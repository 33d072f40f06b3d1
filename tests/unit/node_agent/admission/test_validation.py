from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.constraints import Constraints
from nearfield.core.errors import InvalidRequest, UnknownModel
from nearfield.core.inference import ChatPrompt, Message, Prompt, Sampling, TextPrompt, TokenPrompt
from nearfield.core.node import Model
from node_agent.admission.validation import RANGES, Range, check_length, check_request
from tests.support.node_builders import request
from tests.support.records import node_info

MODEL = Model("simulated", "blake2b:aa", 256, "none")
NODE = node_info(models=(MODEL, replace(MODEL, name="other")), cost_per_hour=2.5)


def refused(**changes: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        check_request(request(**changes), NODE)
    return caught.value


def refused_sampling(**values: Any) -> InvalidRequest:
    return refused(sampling=Sampling(**values))


def test_a_request_at_its_limits_passes() -> None:
    sampling = Sampling(
        temperature=2.0,
        top_p=1.0,
        top_k=0,
        min_p=1.0,
        presence_penalty=-2.0,
        frequency_penalty=2.0,
        repetition_penalty=2.0,
        logprobs=20,
        max_tokens=256,
        min_tokens=256,
        stop=("x" * 256,) * 16,
    )
    check_request(
        request(
            request_id="r" * 128,
            sampling=sampling,
            model_digest=MODEL.digest,
            first_token_budget=3600.0,
            constraints=Constraints(
                jurisdictions=("us", "eu"),
                providers=("acme",),
                cost_per_hour_most=2.5,
                accelerators=("NVIDIA H200",),
            ),
        ),
        NODE,
    )


def test_an_unknown_model_is_answered_with_those_served() -> None:
    with pytest.raises(UnknownModel) as caught:
        check_request(request(model="gpt-9" * 100), NODE)
    assert (caught.value.field, caught.value.limit) == ("model", "simulated, other")
    assert len(caught.value.message) < 150


def test_another_digest_is_an_unknown_model() -> None:
    with pytest.raises(UnknownModel) as caught:
        check_request(request(model_digest="blake2b:bb"), NODE)
    assert (caught.value.field, caught.value.limit) == ("model_digest", "blake2b:aa")


def test_a_long_request_id_is_refused_by_its_length_alone() -> None:
    error = refused(request_id="r" * 129)
    assert (error.field, error.limit) == ("request_id", "at most 128 characters")
    assert "rrr" not in error.message


@pytest.mark.parametrize(
    ("prompt", "field"),
    [
        (TextPrompt(""), "text"),
        (TokenPrompt(()), "token_ids"),
        (ChatPrompt(()), "conversation"),
        (ChatPrompt((Message("user", ""),)), "conversation"),
        (ChatPrompt((Message("tool", "hi"),)), "conversation.role"),
        (ChatPrompt((Message("user", "hi"), Message("", "hi"))), "conversation.role"),
    ],
)
def test_a_prompt_that_cannot_be_one_is_refused(prompt: Prompt, field: str) -> None:
    error = refused(prompt=prompt)
    assert error.field == field
    assert error.limit


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_every_role_of_a_conversation_passes(role: str) -> None:
    check_request(request(ChatPrompt((Message(role, "hi"),))), NODE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("inf")),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_k", -1),
        ("min_p", -0.5),
        ("presence_penalty", -2.1),
        ("frequency_penalty", 2.1),
        ("repetition_penalty", 0.0),
        ("logprobs", 21),
        ("max_tokens", 0),
        ("max_tokens", 257),
        ("min_tokens", -1),
        ("min_tokens", 257),
    ],
)
def test_a_sampling_value_out_of_range_names_itself_and_its_limit(name: str, value: float) -> None:
    error = refused_sampling(**{name: value})
    assert error.field == f"sampling.{name}"
    assert error.limit in error.message
    assert f"{value}" in error.message


@pytest.mark.parametrize("name", list(RANGES))
def test_no_sampling_value_may_be_nan(name: str) -> None:
    assert refused_sampling(**{name: float("nan")}).field == f"sampling.{name}"


def test_the_least_tokens_are_bound_by_the_most() -> None:
    error = refused_sampling(max_tokens=4, min_tokens=5)
    assert (error.field, error.limit) == ("sampling.min_tokens", "0 to 4")


@pytest.mark.parametrize(
    ("stops", "limit"),
    [(("x",) * 17, "at most 16"), (("x" * 257,), "256 characters"), (("ok", ""), "1 to 256")],
)
def test_stop_strings_are_bound_in_number_and_length(stops: tuple[str, ...], limit: str) -> None:
    error = refused_sampling(stop=stops)
    assert error.field == "sampling.stop"
    assert limit in error.limit


@pytest.mark.parametrize("budget", [0.0, -1.0, 3601.0, float("nan")])
def test_a_budget_that_no_answer_can_meet_is_refused(budget: float) -> None:
    assert refused(first_token_budget=budget).field == "first_token_budget_seconds"


@pytest.mark.parametrize(
    ("constraints", "field", "here", "limit"),
    [
        (Constraints(jurisdictions=("us", "ch")), "jurisdictions", "eu", "us, ch"),
        (Constraints(providers=("other",)), "providers", "acme", "other"),
        (Constraints(cost_per_hour_most=2.4), "cost_per_hour_most", "2.5", "2.4"),
        (Constraints(accelerators=("H100", "B200")), "accelerators", "NVIDIA H200", "H100, B200"),
    ],
)
def test_a_request_that_strayed_to_the_wrong_node_is_told_what_the_node_is(
    constraints: Constraints, field: str, here: str, limit: str
) -> None:
    error = refused(constraints=constraints)
    assert (error.field, error.limit) == (f"constraints.{field}", limit)
    assert f"is {here};" in error.message


def test_a_node_that_states_no_cost_is_too_dear_for_any_bound() -> None:
    bound = request(constraints=Constraints(cost_per_hour_most=1000.0))
    with pytest.raises(InvalidRequest, match="cost_per_hour_most is none"):
        check_request(bound, replace(NODE, cost_per_hour=0.0))


def test_the_bounds_of_a_length_leave_room_for_one_token() -> None:
    check_length(1, 256)
    check_length(255, 256)
    for length in (0, 256, 10_000):
        with pytest.raises(InvalidRequest) as caught:
            check_length(length, 256)
        assert caught.value.field == "prompt"


@given(st.floats(), st.floats(allow_nan=False), st.floats(allow_nan=False), st.booleans())
def test_a_range_holds_what_lies_within_it(
    value: float, a: float, b: float, open_low: bool
) -> None:
    low, high = min(a, b), max(a, b)
    within = (value > low or (value == low and not open_low)) and value <= high
    assert Range(low, high, open_low).holds(value) == within
