"""Ranks the nodes of a view for one query."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from control_plane.routing.filters import exclusion, resolve_model
from nearfield.core.errors import NoCandidate
from nearfield.core.geo import distance_km
from nearfield.core.identity import new_id
from nearfield.core.node import NodeView
from nearfield.core.prediction import RoundTripSource, predict, round_trip
from nearfield.core.route import Candidate, ExplainedNode, Explanation, Lease, RouteQuery

LEASE_SECONDS = 30.0
CANDIDATES_MOST = 5


def route(views: Sequence[NodeView], query: RouteQuery, map_revision: int) -> Lease:
    """Return the best candidates, soonest first.

    Raises UnknownModel, InvalidRequest, or NoCandidate with what took the nodes out.
    """
    query = replace(query, model=resolve_model(query.model, list(views)))
    able, out = [], Counter[str]()
    for view in views:
        why = exclusion(view, query)
        if why is None:
            able.append(_candidate(view, query))
        else:
            out[why.constraint] += 1
    if not able:
        raise _no_candidate(query, out)
    best = heapq.nsmallest(CANDIDATES_MOST, able, key=_order)
    return Lease(new_id("lease"), LEASE_SECONDS, query.model, tuple(best), map_revision)


def explain(views: Sequence[NodeView], query: RouteQuery, map_revision: int) -> Explanation:
    """Return the whole decision: every node, ranked or excluded, each with its reason."""
    query = replace(query, model=resolve_model(query.model, list(views)))
    able, excluded = [], []
    for view in views:
        why, candidate = exclusion(view, query), _candidate(view, query)
        if why is None:
            able.append(candidate)
        else:
            excluded.append(_explained(candidate, query, 0, why.constraint, why.reason))
    able.sort(key=_order)
    ranked = [
        _explained(candidate, query, rank, "", _in_words(candidate, rank))
        for rank, candidate in enumerate(able, start=1)
    ]
    return Explanation(query.model, (*ranked, *excluded), map_revision)


def _order(candidate: Candidate) -> tuple[float, str]:
    return candidate.prediction.ttft, candidate.node


def _candidate(view: NodeView, query: RouteQuery) -> Candidate:
    info = view.info
    model = info.model(query.model)
    trip = round_trip(query.origin, info.position, query.round_trips.get(info.name))
    return Candidate(
        node=info.name,
        incarnation=info.incarnation,
        endpoint=info.endpoint,
        pop=info.pop,
        jurisdiction=info.jurisdiction,
        position=info.position,
        model_digest=model.digest if model else "",
        prediction=predict(trip, view.load),
        load=view.load,
        load_age=view.heard,
    )


def _explained(
    candidate: Candidate, query: RouteQuery, rank: int, excluded_by: str, reason: str
) -> ExplainedNode:
    distance = distance_km(query.origin, candidate.position) if query.origin else 0.0
    return ExplainedNode(candidate, rank, excluded_by, reason, distance)


def _in_words(candidate: Candidate, rank: int) -> str:
    terms = {
        "round trip": candidate.prediction.round_trip.seconds,
        "queue": candidate.prediction.queue,
        "prefill": candidate.prediction.base,
    }
    largest = max(terms, key=lambda term: terms[term])
    how = {
        RoundTripSource.MEASURED: "measured",
        RoundTripSource.GEOGRAPHY: "estimated from the map",
        RoundTripSource.UNKNOWN: "assumed, as no origin was given",
    }[candidate.prediction.round_trip.source]
    place = "soonest; " if rank == 1 else ""
    return f"{place}mostly {largest}; round trip {how}"


def _no_candidate(query: RouteQuery, out: Counter[str]) -> NoCandidate:
    counts = ", ".join(f"{count} by {constraint}" for constraint, count in out.most_common())
    return NoCandidate(
        f"no node can take a request for {query.model}: {out.total()} nodes excluded, {counts}",
        field=out.most_common(1)[0][0],
        limit=counts,
        retry_after=1.0,
    )
