"""Which candidate to ask first: the client's own measurements over the control plane's guess."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nearfield.core.geo import Position
from nearfield.core.prediction import predict, round_trip
from nearfield.core.route import Candidate


def order(
    candidates: Sequence[Candidate],
    origin: Position | None,
    round_trips: Mapping[str, float],
) -> list[Candidate]:
    """Return the candidates with their predictions made anew, soonest first."""
    renewed = [
        replace(
            candidate,
            prediction=predict(
                round_trip(origin, candidate.position, round_trips.get(candidate.node)),
                candidate.load,
            ),
        )
        for candidate in candidates
    ]
    return sorted(renewed, key=lambda candidate: (candidate.prediction.ttft, candidate.node))
