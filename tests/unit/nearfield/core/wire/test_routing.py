import dataclasses
import math

import pytest
from hypothesis import given

from nearfield.core.errors import InvalidRequest
from nearfield.core.prediction import Prediction, RoundTrip, RoundTripSource
from nearfield.core.route import Candidate, Explanation, Lease, RouteQuery, Tier
from nearfield.core.wire import routing as wire
from protos.nearfield.v1 import routing_pb2 as pb
from tests.support import nearfield_strategies as some
from tests.support.nearfield_builders import candidate, lease


@given(some.queries)
def test_a_query_arrives_as_it_was_sent(query: RouteQuery) -> None:
    raw = wire.query_to_wire(query, 1).SerializeToString()
    assert wire.query_from_wire(pb.RouteRequest.FromString(raw)) == query


@given(some.candidates)
def test_a_candidate_arrives_as_it_was_sent(value: Candidate) -> None:
    raw = wire.candidate_to_wire(value).SerializeToString()
    assert wire.candidate_from_wire(pb.Candidate.FromString(raw)) == value


@given(some.leases)
def test_a_lease_arrives_as_it_was_sent(value: Lease) -> None:
    raw = wire.lease_to_wire(value).SerializeToString()
    assert wire.lease_from_wire(pb.Lease.FromString(raw)) == value


@given(some.explanations)
def test_an_explanation_arrives_as_it_was_sent(value: Explanation) -> None:
    raw = wire.explanation_to_wire(value).SerializeToString()
    assert wire.explanation_from_wire(pb.Explanation.FromString(raw)) == value


def test_a_query_says_which_protocol_its_client_speaks() -> None:
    assert wire.query_to_wire(RouteQuery("m"), 3).protocol_version == 3


def test_an_origin_at_zero_is_not_an_absent_one() -> None:
    message = pb.RouteRequest(model="m")
    assert wire.query_from_wire(message).origin is None
    message.origin.SetInParent()
    origin = wire.query_from_wire(message).origin
    assert origin is not None
    assert (origin.latitude, origin.longitude) == (0.0, 0.0)


@pytest.mark.parametrize("field", ["seconds", "spread_seconds"])
@pytest.mark.parametrize("value", [-0.001, 60.001, math.nan, math.inf])
def test_a_round_trip_that_no_network_has_is_refused_by_name(field: str, value: float) -> None:
    good = pb.MeasuredRoundTrip(node="fra1-a", seconds=0.02)
    bad = pb.MeasuredRoundTrip(node="fra1-b", seconds=0.02)
    setattr(bad, field, value)
    with pytest.raises(InvalidRequest, match="fra1-b") as caught:
        wire.query_from_wire(pb.RouteRequest(round_trips=[good, bad]))
    assert (caught.value.field, caught.value.limit) == ("round_trips", "0 to 60")


@pytest.mark.parametrize("value", [0.0, 60.0])
def test_the_bounds_of_a_round_trip_are_within(value: float) -> None:
    one = pb.MeasuredRoundTrip(node="fra1-a", seconds=value, spread_seconds=value)
    trips = wire.query_from_wire(pb.RouteRequest(round_trips=[one])).round_trips
    assert trips == {"fra1-a": RoundTrip(value, RoundTripSource.MEASURED, value)}


@pytest.mark.parametrize("field", ["predicted_ttft_seconds", "actual_ttft_seconds"])
@pytest.mark.parametrize("value", [-0.001, 3600.001, math.nan, math.inf])
def test_an_outcome_that_no_answer_has_is_refused_by_name(field: str, value: float) -> None:
    one = pb.RouteOutcome(node="fra1-a", tier=pb.TIER_POP)
    setattr(one, field, value)
    with pytest.raises(InvalidRequest) as caught:
        wire.query_from_wire(pb.RouteRequest(outcomes=[one]))
    assert (caught.value.field, caught.value.limit) == ("outcomes", "0 to 3600")


@pytest.mark.parametrize("number", [0, 99])
def test_an_outcome_of_no_known_tier_is_refused_by_name(number: int) -> None:
    one = pb.RouteOutcome(node="fra1-a")
    one.tier = number
    with pytest.raises(InvalidRequest) as caught:
        wire.query_from_wire(pb.RouteRequest(outcomes=[one]))
    assert caught.value.field == "outcomes.tier"


@pytest.mark.parametrize(
    ("field", "one"),
    [
        ("round_trips", pb.MeasuredRoundTrip(node="fra1-a")),
        ("outcomes", pb.RouteOutcome(tier=pb.TIER_POP)),
        ("excluded_nodes", "fra1-a"),
    ],
)
def test_a_question_with_too_long_a_list_is_refused_by_name(field: str, one: object) -> None:
    wire.query_from_wire(pb.RouteRequest(**{field: [one] * 256}))
    with pytest.raises(InvalidRequest, match=f"257 {field}") as caught:
        wire.query_from_wire(pb.RouteRequest(**{field: [one] * 257}))
    assert (caught.value.field, caught.value.limit) == (field, "at most 256")


def test_a_token_longer_than_any_is_refused_and_not_repeated() -> None:
    assert wire.query_from_wire(pb.RouteRequest(tenant_token="t" * 512)).token == "t" * 512
    with pytest.raises(InvalidRequest) as caught:
        wire.query_from_wire(pb.RouteRequest(tenant_token="t" * 513))
    assert (caught.value.field, caught.value.limit) == ("tenant_token", "at most 512 characters")
    assert "ttt" not in caught.value.message


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.RouteRequest(constraints={"providers": [""]}), "constraints.providers"),
        (pb.RouteRequest(preferences={"worth_seconds": 61.0}), "preferences.worth_seconds"),
        (pb.RouteRequest(prefix={"scheme": "rot13"}), "prefix.scheme"),
    ],
)
def test_what_is_out_of_bounds_within_a_question_is_refused_by_name(
    message: pb.RouteRequest, field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.query_from_wire(message)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("query", "field"),
    [(RouteQuery("\ud800"), "model"), (RouteQuery("m", token="\ud800"), "tenant_token")],
)
def test_what_the_protocol_cannot_hold_is_refused_before_it_is_sent(
    query: RouteQuery, field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.query_to_wire(query, 2)
    assert caught.value.field == field


def test_a_lease_says_in_full_what_other_clients_need() -> None:
    one = candidate(weight=0.25, tier=Tier.CORE, prefix_hints={7: 512})
    message = wire.lease_to_wire(dataclasses.replace(lease(one, ttl=30.0), renew_after=24.0))
    assert message.mode == pb.LEASE_MODE_NORMAL
    assert (message.ttl_seconds, message.renew_after_seconds) == (30.0, 24.0)
    (told,) = message.candidates
    assert (told.weight, told.tier) == (0.25, pb.TIER_CORE)
    assert [(hint.key, hint.tokens) for hint in told.prefix_hints] == [(7, 512)]
    assert told.prediction.ttft_seconds == pytest.approx(one.prediction.ttft)


@pytest.mark.parametrize("number", [0, 99])
def test_a_candidate_of_no_known_tier_is_refused_by_name(number: int) -> None:
    message = wire.candidate_to_wire(candidate())
    message.tier = number
    with pytest.raises(InvalidRequest) as caught:
        wire.candidate_from_wire(message)
    assert caught.value.field == "tier"


def test_a_round_trip_keeps_its_own_spread_apart_from_the_predictions() -> None:
    told = Prediction(RoundTrip(0.02, RoundTripSource.NETWORK, 0.003), 0.1, 0.0, spread=0.5)
    message = wire.prediction_to_wire(told)
    assert (message.round_trip_spread_seconds, message.spread_seconds) == (0.003, 0.5)
    assert wire.prediction_from_wire(message) == told


@pytest.mark.parametrize("number", [0, 99])
def test_a_round_trip_from_no_known_source_is_refused_by_name(number: int) -> None:
    message = wire.candidate_to_wire(candidate())
    message.prediction.round_trip_source = number
    with pytest.raises(InvalidRequest) as caught:
        wire.candidate_from_wire(message)
    assert caught.value.field == "round_trip_source"
