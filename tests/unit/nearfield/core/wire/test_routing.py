import math

import pytest
from hypothesis import given

from nearfield.core.errors import InvalidRequest
from nearfield.core.route import Candidate, Explanation, Lease, RouteQuery
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


@pytest.mark.parametrize("value", [-0.001, 60.001, math.nan, math.inf])
def test_a_round_trip_that_no_network_has_is_refused_by_name(value: float) -> None:
    message = pb.RouteRequest(round_trip_seconds={"fra1-a": 0.02, "fra1-b": value})
    with pytest.raises(InvalidRequest, match="fra1-b") as caught:
        wire.query_from_wire(message)
    assert (caught.value.field, caught.value.limit) == ("round_trip_seconds", "0 to 60")


@pytest.mark.parametrize("value", [0.0, 60.0])
def test_the_bounds_of_a_round_trip_are_within(value: float) -> None:
    message = pb.RouteRequest(round_trip_seconds={"fra1-a": value})
    assert wire.query_from_wire(message).round_trips == {"fra1-a": value}


def test_a_lease_says_in_full_what_other_clients_need() -> None:
    message = wire.lease_to_wire(lease(candidate(), ttl=30.0))
    assert message.mode == pb.LEASE_MODE_NORMAL
    assert message.renew_after_seconds == 30.0
    (one,) = message.candidates
    assert one.weight == 1.0
    assert one.prediction.ttft_seconds == pytest.approx(candidate().prediction.ttft)


@pytest.mark.parametrize("number", [0, 99])
def test_a_round_trip_from_no_known_source_is_refused_by_name(number: int) -> None:
    message = wire.candidate_to_wire(candidate())
    message.prediction.round_trip_source = number
    with pytest.raises(InvalidRequest) as caught:
        wire.candidate_from_wire(message)
    assert caught.value.field == "round_trip_source"
