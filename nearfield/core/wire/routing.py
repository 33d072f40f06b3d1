"""Routes and leases."""

from collections.abc import Sized

from nearfield.core.constraints import NO_CONSTRAINTS, NO_PREFERENCES
from nearfield.core.errors import InvalidRequest
from nearfield.core.prediction import Prediction, RoundTrip, RoundTripSource
from nearfield.core.route import (
    Candidate,
    ExplainedNode,
    Explanation,
    Lease,
    Outcome,
    RouteQuery,
)
from nearfield.core.wire.constraints import (
    constraints_from_wire,
    constraints_to_wire,
    preferences_from_wire,
    preferences_to_wire,
)
from nearfield.core.wire.enums import ROUND_TRIP_SOURCES, TIERS, from_number
from nearfield.core.wire.held import held
from nearfield.core.wire.node import (
    load_from_wire,
    load_to_wire,
    position_from_wire,
    position_to_wire,
)
from nearfield.core.wire.prefix import prefix_from_wire, prefix_to_wire
from protos.nearfield.v1 import routing_pb2 as pb

ROUND_TRIP_MOST = 60.0
"""Seconds; a client that reports more than this is not measuring a network."""
TTFT_MOST = 3600.0
LIST_MOST = 256
"""Round trips, outcomes or excluded nodes in one question: far above the nodes one client uses."""
TOKEN_MOST = 512


def query_to_wire(query: RouteQuery, protocol_version: int) -> pb.RouteRequest:
    """Write a question; raises InvalidRequest for what the protocol's types cannot hold."""
    message = pb.RouteRequest(
        constraints=constraints_to_wire(query.constraints),
        preferences=preferences_to_wire(query.preferences),
        round_trips=[
            pb.MeasuredRoundTrip(node=node, seconds=trip.seconds, spread_seconds=trip.spread)
            for node, trip in query.round_trips.items()
        ],
        outcomes=[_outcome_to_wire(outcome) for outcome in query.outcomes],
        protocol_version=protocol_version,
        excluded_nodes=sorted(query.excluded_nodes),
        prompt_bytes=query.prompt_size,
        early=query.early,
    )
    with held("model"):
        message.model = query.model
    with held("tenant_token"):
        message.tenant_token = query.token
    if query.prefix is not None:
        message.prefix.CopyFrom(prefix_to_wire(query.prefix))
    if query.origin is not None:
        message.origin.CopyFrom(position_to_wire(query.origin))
    return message


def query_from_wire(message: pb.RouteRequest) -> RouteQuery:
    """Read a question; raises InvalidRequest naming what is out of bounds."""
    trips, outcomes, excluded = message.round_trips, message.outcomes, message.excluded_nodes
    _check_length("round_trips", trips)
    _check_length("outcomes", outcomes)
    _check_length("excluded_nodes", excluded)
    token = message.tenant_token
    if len(token) > TOKEN_MOST:
        limit = f"at most {TOKEN_MOST} characters"
        raise InvalidRequest("tenant_token is too long", field="tenant_token", limit=limit)
    return RouteQuery(
        model=message.model,
        origin=position_from_wire(message.origin) if message.HasField("origin") else None,
        constraints=(
            constraints_from_wire(message.constraints)
            if message.HasField("constraints")
            else NO_CONSTRAINTS
        ),
        preferences=(
            preferences_from_wire(message.preferences)
            if message.HasField("preferences")
            else NO_PREFERENCES
        ),
        round_trips={trip.node: _trip_from_wire(trip) for trip in trips},
        excluded_nodes=frozenset(excluded),
        prefix=prefix_from_wire(message.prefix) if message.HasField("prefix") else None,
        prompt_size=message.prompt_bytes,
        outcomes=tuple(map(_outcome_from_wire, outcomes)),
        token=token,
        early=message.early,
    )


def lease_to_wire(lease: Lease) -> pb.Lease:
    return pb.Lease(
        id=lease.lease_id,
        ttl_seconds=lease.ttl,
        renew_after_seconds=lease.renew_after,
        candidates=[candidate_to_wire(candidate) for candidate in lease.candidates],
        mode=pb.LEASE_MODE_NORMAL,
        map_revision=lease.map_revision,
        model=lease.model,
        ticket=lease.ticket,
        ticket_ttl_seconds=lease.ticket_ttl,
    )


def lease_from_wire(message: pb.Lease) -> Lease:
    return Lease(
        lease_id=message.id,
        ttl=message.ttl_seconds,
        model=message.model,
        candidates=tuple(candidate_from_wire(candidate) for candidate in message.candidates),
        map_revision=message.map_revision,
        renew_after=message.renew_after_seconds,
        ticket=message.ticket,
        ticket_ttl=message.ticket_ttl_seconds,
    )


def candidate_to_wire(candidate: Candidate) -> pb.Candidate:
    return pb.Candidate(
        node=candidate.node,
        incarnation=candidate.incarnation,
        endpoint=candidate.endpoint,
        pop=candidate.pop,
        jurisdiction=candidate.jurisdiction,
        position=position_to_wire(candidate.position),
        model_digest=candidate.model_digest,
        weight=candidate.weight,
        prediction=prediction_to_wire(candidate.prediction),
        load=load_to_wire(candidate.load),
        load_age_seconds=candidate.load_age,
        tier=TIERS[candidate.tier],
        prefix_hints=[
            pb.PrefixHint(key=key, tokens=tokens) for key, tokens in candidate.prefix_hints.items()
        ],
    )


def candidate_from_wire(message: pb.Candidate) -> Candidate:
    return Candidate(
        node=message.node,
        incarnation=message.incarnation,
        endpoint=message.endpoint,
        pop=message.pop,
        jurisdiction=message.jurisdiction,
        position=position_from_wire(message.position),
        model_digest=message.model_digest,
        prediction=prediction_from_wire(message.prediction),
        load=load_from_wire(message.load),
        load_age=message.load_age_seconds,
        weight=message.weight,
        tier=from_number(TIERS, message.tier, "tier"),
        prefix_hints={hint.key: hint.tokens for hint in message.prefix_hints},
    )


def prediction_to_wire(prediction: Prediction) -> pb.Prediction:
    message = pb.Prediction()
    write_prediction(prediction, message)
    return message


def write_prediction(prediction: Prediction, message: pb.Prediction) -> None:
    """Write a prediction into an empty message; zeros need no writing."""
    trip = prediction.round_trip
    message.round_trip_seconds = trip.seconds
    message.round_trip_source = ROUND_TRIP_SOURCES[trip.source]
    message.round_trip_spread_seconds = trip.spread
    message.base_seconds = prediction.base
    message.ttft_seconds = prediction.ttft
    message.spread_seconds = prediction.spread
    if prediction.queue:
        message.queue_seconds = prediction.queue
    if prediction.prefill:
        message.prefill_seconds = prediction.prefill
    if prediction.connect:
        message.connect_seconds = prediction.connect
    if prediction.penalty:
        message.penalty_seconds = prediction.penalty


def prediction_from_wire(message: pb.Prediction) -> Prediction:
    source = from_number(ROUND_TRIP_SOURCES, message.round_trip_source, "round_trip_source")
    return Prediction(
        round_trip=RoundTrip(message.round_trip_seconds, source, message.round_trip_spread_seconds),
        queue=message.queue_seconds,
        base=message.base_seconds,
        prefill=message.prefill_seconds,
        connect=message.connect_seconds,
        spread=message.spread_seconds,
        penalty=message.penalty_seconds,
    )


def explanation_to_wire(explanation: Explanation) -> pb.Explanation:
    nodes = [
        pb.ExplainedNode(
            candidate=candidate_to_wire(node.candidate),
            rank=node.rank,
            excluded_by=node.excluded_by,
            reason=node.reason,
            distance_km=node.distance_km,
        )
        for node in explanation.nodes
    ]
    return pb.Explanation(
        nodes=nodes, map_revision=explanation.map_revision, model=explanation.model
    )


def explanation_from_wire(message: pb.Explanation) -> Explanation:
    nodes = tuple(
        ExplainedNode(
            candidate=candidate_from_wire(node.candidate),
            rank=node.rank,
            excluded_by=node.excluded_by,
            reason=node.reason,
            distance_km=node.distance_km,
        )
        for node in message.nodes
    )
    return Explanation(model=message.model, nodes=nodes, map_revision=message.map_revision)


def _check_length(field: str, values: Sized) -> None:
    if len(values) > LIST_MOST:
        limit = f"at most {LIST_MOST}"
        raise InvalidRequest(f"{len(values)} {field}", field=field, limit=limit)


def _trip_from_wire(message: pb.MeasuredRoundTrip) -> RoundTrip:
    trip = RoundTrip(message.seconds, RoundTripSource.MEASURED, message.spread_seconds)
    for seconds in (trip.seconds, trip.spread):
        if not 0 <= seconds <= ROUND_TRIP_MOST:  # true for NaN as well
            raise InvalidRequest(
                f"a round trip of {seconds} s to {message.node[:80]} is not in "
                f"0 to {ROUND_TRIP_MOST:g} s",
                field="round_trips",
                limit=f"0 to {ROUND_TRIP_MOST:g}",
            )
    return trip


def _outcome_to_wire(outcome: Outcome) -> pb.RouteOutcome:
    return pb.RouteOutcome(
        node=outcome.node,
        predicted_ttft_seconds=outcome.predicted,
        actual_ttft_seconds=outcome.actual,
        tier=TIERS[outcome.tier],
    )


def _outcome_from_wire(message: pb.RouteOutcome) -> Outcome:
    for seconds in (message.predicted_ttft_seconds, message.actual_ttft_seconds):
        if not 0 <= seconds <= TTFT_MOST:
            raise InvalidRequest(
                f"an outcome of {seconds} s is not in 0 to {TTFT_MOST:g} s",
                field="outcomes",
                limit=f"0 to {TTFT_MOST:g}",
            )
    return Outcome(
        node=message.node,
        predicted=message.predicted_ttft_seconds,
        actual=message.actual_ttft_seconds,
        tier=from_number(TIERS, message.tier, "outcomes.tier"),
    )
