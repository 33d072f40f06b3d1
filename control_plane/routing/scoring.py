"""What each node is predicted to cost one query, for many nodes at once."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from control_plane.routing.map import RoutingMap
from control_plane.routing.networks import Learned
from control_plane.routing.sphere import Floats
from nearfield.core.constraints import Preferences
from nearfield.core.node import NodeInfo
from nearfield.core.prediction import (
    NO_PROMPT,
    Prediction,
    Prompt,
    RoundTrip,
    predict,
    round_trip,
)
from nearfield.core.route import RouteQuery

NO_PREFERENCES = Preferences()


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, its `model` resolved, and what is known beside it.

    `learned` is by PoP, `resident` are tokens of the prompt's prefix by node.
    """

    query: RouteQuery
    learned: Mapping[str, Learned] = field(default_factory=dict)
    resident: Mapping[str, int] = field(default_factory=dict)

    def round_trip(self, info: NodeInfo) -> RoundTrip:
        """Return the best known round trip to a node."""
        query = self.query
        if (measured := query.round_trips.get(info.name)) is not None:
            return measured
        guess = round_trip(query.origin, info.position)
        learned = self.learned.get(info.pop)
        return learned.round_trip(guess.seconds) if learned else guess

    def prompt(self, info: NodeInfo) -> Prompt:
        """Return what of the prompt bears on a node's prefill."""
        tokens = self.resident.get(info.name, 0)
        size = self.query.prompt_size
        return Prompt(size, tokens) if size else NO_PROMPT


@dataclass(frozen=True, slots=True)
class Scores:
    """Of some slots: round trips and ranks in seconds; a node that may not be asked has NaN."""

    slots: NDArray[np.intp]
    round_trips: Floats
    ranks: Floats
    usable: int

    def best(self, most: int) -> list[tuple[float, int]]:
        """Return rank and slot of the soonest, at most so many."""
        order = self.ranks.argsort()[: min(most, self.usable)]  # NaN comes last
        return list(zip(self.ranks[order].tolist(), self.slots[order].tolist(), strict=True))

    def nearest(self) -> int:
        """Return the slot with the shortest round trip of those who may be asked."""
        trips = np.where(np.isnan(self.ranks), math.inf, self.round_trips)
        return int(self.slots[trips.argmin()])


class Scorer:
    """`nearfield.core.prediction` in arrays; one query at a time."""

    def __init__(self, fleet: RoutingMap) -> None:
        self._fleet = fleet
        # By slot, and empty between queries: what this client measured (infinite where the
        # node just failed it), and what resident tokens save it.
        self._own = np.zeros(0)
        self._saved = np.zeros(0)

    @contextmanager
    def noted(self, asked: Asked) -> Iterator[list[int]]:
        """Note what this query knows of single nodes; yields their slots."""
        slots = self._note(asked)
        try:
            yield slots
        finally:
            if slots:
                self._own[slots] = math.nan
                self._saved[slots] = 0.0

    def scores(self, slots: NDArray[np.intp], guesses: Floats, asked: Asked) -> Scores:
        """Score nodes for which geography suggests round trips of `guesses` seconds."""
        fleet, query = self._fleet, asked.query
        kinds = fleet.kind.take(slots)
        failed = fleet.kinds.failed(query.model, query.constraints)
        closed = fleet.closed.take(slots) | failed.take(kinds)
        trips = self._with_learned(slots, guesses, asked)
        own = self._own.take(slots)
        trips = np.where(np.isnan(own), trips, own)
        ranks = trips + fleet.static.take(slots)
        if query.prompt_size:
            ranks += query.prompt_size * fleet.per_byte.take(slots)
            ranks -= self._saved.take(slots)
        if query.preferences != NO_PREFERENCES:
            ranks += fleet.kinds.penalties(query.preferences).take(kinds)
        ranks[(closed != 0) | (trips == math.inf)] = math.nan
        return Scores(slots, trips, ranks, int(np.count_nonzero(ranks == ranks)))

    def prediction(self, slot: int, asked: Asked, now: float) -> Prediction:
        """Return the whole prediction for one node."""
        place, wishes = self._fleet.places[slot], asked.query.preferences
        penalty = 0.0 if wishes is NO_PREFERENCES else wishes.penalty(place.info)
        return predict(
            asked.round_trip(place.info),
            place.load,
            asked.prompt(place.info),
            age=max(0.0, now - place.heard_at),
            routed=place.routed,
            penalty=penalty,
        )

    def _with_learned(self, slots: NDArray[np.intp], guesses: Floats, asked: Asked) -> Floats:
        if not asked.learned:
            return guesses
        pops = self._fleet.pops
        seconds, share = np.zeros(len(pops)), np.zeros(len(pops))
        for name, learned in asked.learned.items():
            if (pop := pops.get(name)) is not None:
                seconds[pop], share[pop] = learned.seconds, learned.share
        pop_of = self._fleet.pop.take(slots)
        return guesses + share.take(pop_of) * (seconds.take(pop_of) - guesses)

    def _note(self, asked: Asked) -> list[int]:
        fleet, query = self._fleet, asked.query
        if len(self._own) < len(fleet.held):
            self._own = np.full(len(fleet.held), math.nan)
            self._saved = np.zeros(len(fleet.held))
        slots = set()
        for name, trip in query.round_trips.items():
            if (slot := fleet.slot(name)) is not None:
                slots.add(slot)
                self._own[slot] = trip.seconds
        if asked.resident and query.prompt_size:
            slots |= self._note_resident(asked)
        for name in query.excluded_nodes:
            if (slot := fleet.slot(name)) is not None:
                slots.add(slot)
                self._own[slot] = math.inf
        return list(slots)

    def _note_resident(self, asked: Asked) -> set[int]:
        fleet = self._fleet
        found = {
            slot: tokens
            for name, tokens in asked.resident.items()
            if (slot := fleet.slot(name)) is not None
        }
        slots = list(found)
        saved = np.fromiter(found.values(), np.float64, len(found)) * fleet.per_token[slots]
        # a node may hold more than this prompt: all of it is the most that can be saved
        self._saved[slots] = np.minimum(saved, asked.query.prompt_size * fleet.per_byte[slots])
        return set(slots)
