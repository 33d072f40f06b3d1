"""Which nodes a lease names, and what share of the work each should get."""

import random
from collections.abc import Mapping, Sequence

from control_plane.routing.map import Place, RoutingMap
from nearfield.core.node import NodeInfo
from nearfield.core.route import Tier

CANDIDATES_MOST = 5
NEAR_TIE_SECONDS = 0.005
"""Ranks this close are alike: paths waver by more from one request to the next."""
FREE_LEAST = 0.25
"""Of a slot, counted as free even of a full node: no candidate gets nothing."""

IN_FLIGHT_MOST = 16.0
"""Of one client, counted at its lease: it tells of 64 answers at most, and which of the
candidates it will send to is its own choice."""


def in_flight(answers: int, service_seconds: float, seconds: float) -> float:
    """Return how many requests a client has under way with its next lease, 1 to 16.

    It told of `answers` to its last one, of so many `seconds`; a node takes
    `service_seconds` for each, 0 where that is not known.
    """
    return max(1.0, min(IN_FLIGHT_MOST, answers * service_seconds / seconds))


def free(place: Place) -> float:
    """Return how many more requests could start there, a little at least."""
    free_slots = place.free_slots
    return free_slots if free_slots > FREE_LEAST else FREE_LEAST


def choose(
    best: Sequence[tuple[float, int]],
    places: Mapping[int, Place],
    most: int,
    rng: random.Random,
) -> list[int]:
    """Return the soonest slots of `best` (rank and slot, soonest first), at most so many.

    Of more near-ties than that, some by lot, those with free capacity likelier: clients who
    ask at once must not all hear the same names.
    """
    if len(best) <= most:
        return [slot for _, slot in best]
    alike = [slot for rank, slot in best if rank - best[0][0] <= NEAR_TIE_SECONDS]
    if len(alike) <= most:
        return [slot for _, slot in best[:most]]
    # Efraimidis and Spirakis: the largest of random ** (1 / weight) are a weighted sample.
    lots = [rng.random() ** (1 / free(places[slot])) for slot in alike]
    order = sorted(range(len(alike)), key=lots.__getitem__, reverse=True)
    return [alike[place] for place in order[:most]]


def weights(places: Sequence[Place]) -> list[float]:
    """Return each one's share of the free capacity of all; they add up to 1."""
    capacities = [free(place) for place in places]
    total = sum(capacities)
    return [capacity / total for capacity in capacities]


def needs_core(slots: Sequence[int], fleet: RoutingMap) -> bool:
    """Whether the edge alone is no safe answer: few candidates, or all of them full."""
    places = [fleet.places[slot] for slot in slots]
    if any(place.info.core for place in places):
        return False
    return len(places) < CANDIDATES_MOST or all(place.free_slots < 1 for place in places)


def tier(info: NodeInfo, home: str) -> Tier:
    """Return the step of the ladder a node stands on; `home` is the nearest usable PoP."""
    if info.pop == home:
        return Tier.POP
    return Tier.CORE if info.core else Tier.NEIGHBOUR
