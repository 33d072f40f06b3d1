"""Routes and leases."""

from nearfield.core.errors import InvalidRequest
from nearfield.core.prediction import Prediction, RoundTrip
from nearfield.core.route import Candidate, ExplainedNode, Explanation, Lease, RouteQuery
from nearfield.core.wire.enums import ROUND_TRIP_SOURCES, from_number
from nearfield.core.wire.node import (
    load_from_wire,
    load_to_wire,
    position_from_wire,
    position_to_wire,
)
from protos.nearfield.v1 import routing_pb2 as pb

ROUND_TRIP_MOST = 60.0
"""Seconds; a client that reports more than this is not measuring a network."""


def query_to_wire(query: RouteQuery, protocol_version: int) -> pb.RouteRequest:
    message = pb.RouteRequest(
        model=query.model,
        round_trip_seconds=dict(query.round_trips),
        protocol_version=protocol_version,
        excluded_nodes=sorted(query.excluded_nodes),
    )
    if query.jurisdictions:
        message.constraints.jurisdictions.extend(query.jurisdictions)
    if query.origin is not None:
        message.origin.CopyFrom(position_to_wire(query.origin))
    return message


def query_from_wire(message: pb.RouteRequest) -> RouteQuery:
    for node, seconds in message.round_trip_seconds.items():
        if not 0 <= seconds <= ROUND_TRIP_MOST:  # true for NaN as well
            raise InvalidRequest(
                f"a round trip of {seconds} s to {node[:80]} is not in 0 to {ROUND_TRIP_MOST:g} s",
                field="round_trip_seconds",
                limit=f"0 to {ROUND_TRIP_MOST:g}",
            )
    return RouteQuery(
        model=message.model,
        origin=position_from_wire(message.origin) if message.HasField("origin") else None,
        jurisdictions=tuple(message.constraints.jurisdictions),
        round_trips=dict(message.round_trip_seconds),
        excluded_nodes=frozenset(message.excluded_nodes),
    )


def lease_to_wire(lease: Lease) -> pb.Lease:
    return pb.Lease(
        id=lease.lease_id,
        ttl_seconds=lease.ttl,
        renew_after_seconds=lease.ttl,
        candidates=[candidate_to_wire(candidate) for candidate in lease.candidates],
        mode=pb.LEASE_MODE_NORMAL,
        map_revision=lease.map_revision,
        model=lease.model,
    )


def lease_from_wire(message: pb.Lease) -> Lease:
    return Lease(
        lease_id=message.id,
        ttl=message.ttl_seconds,
        model=message.model,
        candidates=tuple(candidate_from_wire(candidate) for candidate in message.candidates),
        map_revision=message.map_revision,
    )


def candidate_to_wire(candidate: Candidate) -> pb.Candidate:
    prediction = candidate.prediction
    return pb.Candidate(
        node=candidate.node,
        incarnation=candidate.incarnation,
        endpoint=candidate.endpoint,
        pop=candidate.pop,
        jurisdiction=candidate.jurisdiction,
        position=position_to_wire(candidate.position),
        model_digest=candidate.model_digest,
        weight=1.0,
        prediction=pb.Prediction(
            round_trip_seconds=prediction.round_trip.seconds,
            round_trip_source=ROUND_TRIP_SOURCES[prediction.round_trip.source],
            queue_seconds=prediction.queue,
            base_seconds=prediction.base,
            ttft_seconds=prediction.ttft,
        ),
        load=load_to_wire(candidate.load),
        load_age_seconds=candidate.load_age,
    )


def candidate_from_wire(message: pb.Candidate) -> Candidate:
    prediction = message.prediction
    source = from_number(ROUND_TRIP_SOURCES, prediction.round_trip_source, "round_trip_source")
    return Candidate(
        node=message.node,
        incarnation=message.incarnation,
        endpoint=message.endpoint,
        pop=message.pop,
        jurisdiction=message.jurisdiction,
        position=position_from_wire(message.position),
        model_digest=message.model_digest,
        prediction=Prediction(
            round_trip=RoundTrip(prediction.round_trip_seconds, source),
            queue=prediction.queue_seconds,
            base=prediction.base_seconds,
        ),
        load=load_from_wire(message.load),
        load_age=message.load_age_seconds,
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
