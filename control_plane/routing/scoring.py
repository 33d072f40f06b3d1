"""What each node is predicted to cost one query, for many nodes at once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from control_plane.routing.kinds import PASSES
from control_plane.routing.map import Place, RoutingMap
from control_plane.routing.networks import Learned
from control_plane.routing.rows import Slots
from control_plane.routing.sphere import Floats
from nearfield.core.constraints import NO_PREFERENCES
from nearfield.core.geo import Direction, direction, round_trip_between
from nearfield.core.node import NodeInfo
from nearfield.core.prediction import (
    UNKNOWN_ROUND_TRIP,
    UNKNOWN_TRIP,
    Prediction,
    Prompt,
    RoundTrip,
    guessed,
    predict,
)
from nearfield.core.route import RouteQuery


@dataclass(slots=True)
class Asked:
    """A query, its `model` resolved, and what is known beside it.

    `learned` is by PoP, `resident` are tokens of the prompt's prefix by node; `origin` is the
    query's as seen from the Earth's centre, `unheld` its prompt where none of it is resident.
    """

    query: RouteQuery
    learned: Mapping[str, Learned] = field(default_factory=dict)
    resident: Mapping[str, int] = field(default_factory=dict)
    origin: Direction | None = field(init=False)
    unheld: Prompt = field(init=False)

    def __post_init__(self) -> None:
        self.origin = direction(self.query.origin) if self.query.origin else None
        self.unheld = Prompt(self.query.prompt_size)

    def round_trip(self, place: Place) -> RoundTrip:
        """Return the best known round trip to a node."""
        info = place.info
        if (measured := self.query.round_trips.get(info.name)) is not None:
            return measured
        learned, origin = self.learned.get(info.pop), self.origin
        if origin is None:
            return learned.round_trip(UNKNOWN_ROUND_TRIP) if learned else UNKNOWN_TRIP
        seconds = round_trip_between(origin, place.direction)
        return learned.round_trip(seconds) if learned else guessed(seconds)

    def prompt(self, info: NodeInfo) -> Prompt:
        """Return what of the prompt bears on a node's prefill."""
        tokens = self.resident.get(info.name, 0)
        return Prompt(self.unheld.size, tokens) if tokens and self.unheld.size else self.unheld


@dataclass(frozen=True, slots=True)
class Scores:
    """Of some slots: round trips and ranks in seconds.

    The rank of a node that may not be asked is NaN, or infinite where it just failed the client.
    """

    slots: Slots
    round_trips: Floats
    ranks: Floats
    usable: int

    def best(self, most: int) -> list[tuple[float, int]]:
        """Return rank and slot of the soonest, at most so many."""
        order = self.ranks.argsort()[: min(most, self.usable)]  # infinity and NaN come last
        ranks, slots = self.ranks.take(order).tolist(), self.slots.take(order).tolist()
        return list(zip(ranks, slots, strict=True))

    def nearest(self) -> int:
        """Return the slot with the shortest round trip of those who may be asked."""
        trips = np.where(self.ranks < math.inf, self.round_trips, math.inf)
        return int(self.slots[trips.argmin()])


class Scorer:
    """`nearfield.core.prediction` in arrays; one query at a time."""

    def __init__(self, fleet: RoutingMap) -> None:
        self._fleet = fleet
        # By slot, and empty between queries: what this client measured (infinite where the
        # node just failed it), and what resident tokens save it.
        self._own = np.zeros(0)
        self._saved = np.zeros(0)

    def forget(self, slots: Slots) -> None:
        """Forget what `note` noted of these slots."""
        if len(slots):
            self._own[slots] = math.nan
            self._saved[slots] = 0.0

    def scores(self, slots: Slots, guesses: Floats, asked: Asked, *, fit: bool = False) -> Scores:
        """Score nodes for which geography suggests round trips of `guesses` seconds.

        `fit` says that all of them are known to meet the query's constraints.
        """
        fleet, query = self._fleet, asked.query
        trips = self._with_learned(slots, guesses, asked)
        own = self._own.take(slots)
        trips = np.where(own >= 0, own, trips)  # NaN is not
        ranks = trips + fleet.static.take(slots)
        if query.prompt_size:
            ranks += query.prompt_size * fleet.per_byte.take(slots)
            ranks -= self._saved.take(slots)
        if query.preferences is not NO_PREFERENCES:
            ranks += fleet.kinds.penalties(query.preferences).take(fleet.kind.take(slots))
        if not fit:
            ranks[~self.fit(slots, asked)] = math.nan
        return Scores(slots, trips, ranks, int(np.count_nonzero(ranks < math.inf)))

    def fit(self, slots: Slots, asked: Asked) -> NDArray[np.bool_]:
        """Return which of some nodes meet the query's constraints."""
        failed = self._fleet.kinds.failed(asked.query.model, asked.query.constraints)
        passes: NDArray[np.bool_] = failed.take(self._fleet.kind.take(slots)) == PASSES
        return passes

    def prediction(self, slot: int, asked: Asked, now: float) -> Prediction:
        """Return the whole prediction for one node."""
        place, wishes = self._fleet.places[slot], asked.query.preferences
        penalty = 0.0 if wishes is NO_PREFERENCES else wishes.penalty(place.info)
        return predict(
            asked.round_trip(place),
            place.load,
            asked.prompt(place.info),
            age=max(0.0, now - place.heard_at),
            routed=place.routed,
            penalty=penalty,
        )

    def _with_learned(self, slots: Slots, guesses: Floats, asked: Asked) -> Floats:
        if not asked.learned:
            return guesses
        pops = self._fleet.pops
        seconds, share = np.zeros(len(pops)), np.zeros(len(pops))
        for name, learned in asked.learned.items():
            if (pop := pops.get(name)) is not None:
                seconds[pop], share[pop] = learned.seconds, learned.share
        pop_of = self._fleet.pop.take(slots)
        return guesses + share.take(pop_of) * (seconds.take(pop_of) - guesses)

    def note(self, asked: Asked) -> Slots:
        """Note what this query knows of single nodes, until `forget`; returns their slots."""
        fleet, query = self._fleet, asked.query
        if len(self._own) < len(fleet.held):
            self._own = np.full(len(fleet.held), math.nan)
            self._saved = np.zeros(len(fleet.held))
        slots = set[int]()
        for name, trip in query.round_trips.items():
            if (slot := fleet.slot(name)) is not None:
                slots.add(slot)
                self._own[slot] = trip.seconds
        if asked.resident and query.prompt_size:
            slots.update(self._note_resident(asked))
        for name in query.excluded_nodes:
            if (slot := fleet.slot(name)) is not None:
                slots.add(slot)
                self._own[slot] = math.inf
        return np.fromiter(slots, np.intp, len(slots))

    def _note_resident(self, asked: Asked) -> dict[int, int]:
        fleet = self._fleet
        found = fleet.by_slot(asked.resident)
        slots = np.fromiter(found, np.intp, len(found))
        saved = np.fromiter(found.values(), np.float64, len(found)) * fleet.per_token.take(slots)
        # a node may hold more than this prompt: all of it is the most that can be saved
        most = asked.query.prompt_size * fleet.per_byte.take(slots)
        self._saved[slots] = np.minimum(saved, most)
        return found
