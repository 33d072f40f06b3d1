import dataclasses

import pytest
from hypothesis import given

from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.errors import InvalidRequest, Unsupported
from nearfield.core.inference import (
    AttemptKind,
    Event,
    Prompt,
    Request,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from nearfield.core.wire.inference import (
    event_from_wire,
    event_to_wire,
    request_from_wire,
    request_to_wire,
)
from protos.nearfield.v1 import inference_pb2 as pb
from tests.support import nearfield_strategies as some
from tests.support.nearfield_builders import finished, first_delta, request

ZEROS: dict[str, object] = {
    "temperature": 0.0,
    "top_p": 0.0,
    "top_k": 0,
    "min_p": 0.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "repetition_penalty": 0.0,
    "seed": 0,
    "max_tokens": 0,
    "min_tokens": 0,
    "logprobs": 0,
    "ignore_eos": False,
}


def over_the_wire(value: Request) -> Request:
    raw = request_to_wire(value).SerializeToString()
    return request_from_wire(pb.GenerateRequest.FromString(raw))


def event_over_the_wire(event: Event) -> Event | None:
    raw = event_to_wire(event).SerializeToString()
    return event_from_wire(pb.GenerateEvent.FromString(raw))


@given(some.requests)
def test_a_request_arrives_as_it_was_sent(value: Request) -> None:
    assert over_the_wire(value) == value


@given(some.events)
def test_an_event_arrives_as_it_was_sent(event: Event) -> None:
    assert event_over_the_wire(event) == event


@given(some.prompts)
def test_every_kind_of_prompt_keeps_its_kind(prompt: Prompt) -> None:
    arrived = over_the_wire(request(prompt=prompt)).prompt
    assert type(arrived) is type(prompt)


def test_the_zeros_above_are_all_of_sampling() -> None:
    assert {*ZEROS, "stop"} == {field.name for field in dataclasses.fields(Sampling)}


@pytest.mark.parametrize("field", ZEROS)
def test_a_sampling_value_of_zero_is_not_an_absent_one(field: str) -> None:
    sampling = Sampling(**{field: ZEROS[field]})
    assert over_the_wire(request(sampling=sampling)).sampling == sampling
    assert request_to_wire(request(sampling=sampling)).sampling.HasField(field)


@pytest.mark.parametrize("field", ZEROS)
def test_an_absent_sampling_value_takes_no_place_on_the_wire(field: str) -> None:
    assert not request_to_wire(request()).sampling.HasField(field)


def test_a_budget_of_nothing_is_not_an_absent_one() -> None:
    assert over_the_wire(request(first_token_budget=0.0)).first_token_budget == 0.0
    assert over_the_wire(request()).first_token_budget is None


def test_a_request_without_a_prompt_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        request_from_wire(pb.GenerateRequest(request_id="req-1"))
    assert caught.value.field == "prompt"
    assert "text" in caught.value.limit


def test_an_attempt_kind_left_out_is_a_first_attempt() -> None:
    assert request_from_wire(pb.GenerateRequest(text="hi")).attempt_kind is AttemptKind.FIRST


def test_an_attempt_kind_of_a_newer_side_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="99") as caught:
        request_from_wire(pb.GenerateRequest(text="hi", attempt_kind=99))
    assert caught.value.field == "attempt_kind"


@pytest.mark.parametrize("kind", [pb.ATTEMPT_KIND_HEDGE, pb.ATTEMPT_KIND_RESUME])
def test_attempts_not_offered_yet_are_unsupported(kind: pb.AttemptKind) -> None:
    with pytest.raises(Unsupported) as caught:
        request_from_wire(pb.GenerateRequest(text="hi", attempt_kind=kind))
    assert caught.value.field == "attempt_kind"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_format", pb.ResponseFormat(regex="a+")),
        ("response_format", pb.ResponseFormat()),
        ("resume", pb.Resume(text="so far")),
        ("session_key", "user-7"),
    ],
)
def test_a_part_not_offered_yet_is_unsupported_by_name(field: str, value: object) -> None:
    with pytest.raises(Unsupported, match=field) as caught:
        request_from_wire(pb.GenerateRequest(text="hi", **{field: value}))
    assert caught.value.field == field


def test_an_origin_off_the_earth_is_refused_by_name() -> None:
    message = request_to_wire(request())
    message.origin.latitude = 91.0
    with pytest.raises(InvalidRequest) as caught:
        request_from_wire(message)
    assert caught.value.field == "latitude"


@pytest.mark.parametrize(
    "message",
    [
        pb.GenerateEvent(),
        pb.GenerateEvent(admitted=pb.Admitted()),
        pb.GenerateEvent(progress=pb.Progress(waiting_ahead=3)),
    ],
)
def test_an_event_that_this_side_does_not_know_is_passed_over(message: pb.GenerateEvent) -> None:
    assert event_from_wire(message) is None


@pytest.mark.parametrize("number", [pb.FINISH_REASON_UNSPECIFIED, 99])
def test_an_end_for_no_known_reason_is_refused_by_name(number: int) -> None:
    message = event_to_wire(finished())
    message.finished.reason = number
    with pytest.raises(InvalidRequest) as caught:
        event_from_wire(message)
    assert caught.value.field == "finished.reason"
    assert caught.value.limit == "stop, length"


def test_only_the_first_piece_says_where_it_was_made() -> None:
    first = first_delta()
    later = dataclasses.replace(first, provenance=None, timings=None)
    assert event_over_the_wire(first) == first
    assert event_over_the_wire(later) == later


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt": TokenPrompt((-1,))}, "prompt"),
        ({"prompt": TextPrompt("\ud800")}, "prompt"),
        ({"sampling": Sampling(max_tokens=2**40)}, "sampling"),
        ({"sampling": Sampling(stop=("\ud800",))}, "sampling"),
        ({"model": "\ud800"}, "model"),
        ({"request_id": "\ud800"}, "request_id"),
        ({"constraints": Constraints(providers=("\ud800",))}, "constraints"),
    ],
)
def test_what_the_protocol_cannot_hold_is_refused_before_it_is_sent(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request_to_wire(dataclasses.replace(request(), **changes))
    assert caught.value.field == field


def test_no_prefix_keys_travel_with_a_prompt() -> None:
    assert "prefix" not in pb.GenerateRequest.DESCRIPTOR.fields_by_name


@pytest.mark.parametrize("length", [1, 15, 65])
def test_a_prefix_secret_out_of_bounds_is_refused_and_not_repeated(length: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request_from_wire(pb.GenerateRequest(text="hi", prefix_secret=b"\xa7" * length))
    assert (caught.value.field, caught.value.limit) == ("prefix.secret", "16 to 64 bytes")
    assert "xa7" not in caught.value.message


@pytest.mark.parametrize("length", [0, 16, 64])
def test_a_prefix_secret_within_bounds_arrives(length: int) -> None:
    message = pb.GenerateRequest(text="hi", prefix_secret=b"s" * length)
    assert request_from_wire(message).prefix_secret == b"s" * length


def test_a_ticket_longer_than_any_is_refused_and_not_repeated() -> None:
    longest = pb.GenerateRequest(text="hi", ticket="t" * 8192)
    assert request_from_wire(longest).ticket == "t" * 8192
    with pytest.raises(InvalidRequest, match="a ticket of 8193 characters") as caught:
        request_from_wire(pb.GenerateRequest(text="hi", ticket="t" * 8193))
    assert (caught.value.field, caught.value.limit) == ("ticket", "at most 8192 characters")


def test_what_is_not_asked_for_takes_no_place_on_the_wire() -> None:
    message = request_to_wire(request())
    assert not message.HasField("constraints")
    assert not message.HasField("preferences")
    assert request_from_wire(message).constraints == Constraints()
    assert request_from_wire(message).preferences == Preferences()


def test_constraints_out_of_bounds_are_refused_by_name() -> None:
    message = request_to_wire(request())
    message.constraints.cost_per_hour_most = 0.0
    with pytest.raises(InvalidRequest) as caught:
        request_from_wire(message)
    assert caught.value.field == "constraints.cost_per_hour_most"


def test_preferences_out_of_bounds_are_refused_by_name() -> None:
    message = request_to_wire(request())
    message.preferences.worth_seconds = -1.0
    with pytest.raises(InvalidRequest) as caught:
        request_from_wire(message)
    assert caught.value.field == "preferences.worth_seconds"
