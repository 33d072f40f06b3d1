"""A decision in words, for people."""

from control_plane.routing.filters import Exclusion
from nearfield.core.geo import Position, distance_km
from nearfield.core.prediction import RoundTripSource
from nearfield.core.route import Candidate, ExplainedNode

_SOURCES = {
    RoundTripSource.MEASURED: "measured",
    RoundTripSource.NETWORK: "as clients of this network measured it",
    RoundTripSource.GEOGRAPHY: "estimated from the map",
    RoundTripSource.UNKNOWN: "assumed, as no origin was given",
}


def explain_node(
    candidate: Candidate, origin: Position | None, rank: int, excluded: Exclusion | None
) -> ExplainedNode:
    """Return one node's place in a decision; `rank` 0 is excluded."""
    distance = distance_km(origin, candidate.position) if origin else 0.0
    if excluded:
        return ExplainedNode(candidate, 0, excluded.constraint, excluded.reason, distance)
    return ExplainedNode(candidate, rank, "", _in_words(candidate, rank), distance)


def _in_words(candidate: Candidate, rank: int) -> str:
    prediction = candidate.prediction
    terms = {
        "round trip": prediction.round_trip.seconds,
        "queue": prediction.queue,
        "base": prediction.base,
        "prefill": prediction.prefill,
        "unmet wishes": prediction.penalty,
    }
    largest = max(terms, key=lambda term: terms[term])
    words = [f"mostly {largest}", f"round trip {_SOURCES[prediction.round_trip.source]}"]
    if rank == 1:
        words.insert(0, "soonest")
    if tokens := max(candidate.prefix_hints.values(), default=0):
        words.append(f"{tokens} tokens of the prompt are resident")
    return "; ".join(words)
