"""What others do: the map alone, turns, reported load, or the prompt's start."""

import random
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bench.scenarios.policy.policies.base import Call, Choice, Fleet, Plain
from bench.scenarios.policy.prompts import mixed
from nearfield.core.geo import distance_km

BOUND = 1.25
"""Times the mean load that a node may have before a prefix goes elsewhere: the usual factor of
consistent hashing with bounded loads."""
_NEAREST_POPS = 16
"""Of a city; no request is tried at more."""


class NearestByMap(Plain):
    """The PoP at the shortest great circle, its nodes in turn, then the next PoP."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._members: dict[int, list[int]] = {}
        for place, pop in enumerate(fleet.distances.pop_of.tolist()):
            self._members.setdefault(pop, []).append(place)
        self._turns = dict.fromkeys(self._members, 0)
        self._near: dict[int, list[int]] = {}

    def choose(self, call: Call, now: float) -> Choice | None:
        """Return the next node of the nearest PoP that has not failed this request."""
        tried_pops = {int(self._fleet.distances.pop_of[place]) for place in call.tried}
        for pop in self._nearest(call.city):
            if pop not in tried_pops and (place := self._turn(pop)) is not None:
                return Choice(place)
        return None

    def _turn(self, pop: int) -> int | None:
        members = self._members[pop]
        for _ in members:
            self._turns[pop] = (self._turns[pop] + 1) % len(members)
            place = members[self._turns[pop]]
            if self._fleet.up[place]:
                return place
        return None

    def _nearest(self, city: int) -> list[int]:
        if city not in self._near:
            home = self._fleet.world.cities[city].position
            away = [distance_km(home, site.position) for site in self._fleet.distances.pops]
            self._near[city] = sorted(range(len(away)), key=away.__getitem__)
        # Of all, since a whole region may be away.
        near = self._near[city]
        alive = (pop for pop in near if any(self._fleet.up[p] for p in self._members[pop]))
        return list(islice(alive, _NEAREST_POPS))


class RoundRobin(Plain):
    """All nodes in turn, in an order that mixes near and far."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet = fleet
        self._order = list(range(len(fleet.nodes)))
        random.Random(f"turns.{seed}").shuffle(self._order)
        self._at = 0

    def choose(self, call: Call, now: float) -> Choice | None:
        """Return the next in turn that is up."""
        for _ in self._order:
            self._at = (self._at + 1) % len(self._order)
            place = self._order[self._at]
            if self._fleet.up[place] and place not in call.tried:
                return Choice(place)
        return None


class _Reported(Plain):
    """Loads as of the last report, and what was sent there since."""

    reads_reports = True

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._load = np.zeros(len(fleet.nodes))

    def reported(self, place: int, now: float) -> None:
        """See Policy."""
        self._load[place] = self._fleet.nodes[place].in_flight(now)

    def _shares(self, call: Call) -> NDArray[np.float64]:
        shares = self._load / self._fleet.slots
        shares[~self._fleet.up] = np.inf
        if call.tried:
            shares[list(call.tried)] = np.inf
        return shares

    def _send(self, place: int) -> Choice:
        self._load[place] += 1
        return Choice(place)


class LeastLoaded(_Reported):
    """The node with the smallest share of its slots taken, anywhere; of equals by lot."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        super().__init__(fleet)
        self._rng = random.Random(f"lots.{seed}")

    def choose(self, call: Call, now: float) -> Choice | None:
        """See Policy."""
        shares = self._shares(call)
        least = shares.min()
        if least == np.inf:
            return None
        return self._send(int(self._rng.choice(np.flatnonzero(shares == least).tolist())))


class PrefixAffinity(_Reported):
    """The highest hash of the prompt's first key and the node, among nodes not above the bound.

    A prompt too short for a key goes where its own hash falls.
    """

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet)
        seeds = [mixed(place) for place in range(len(fleet.nodes))]
        self._hashes = np.array(seeds, np.uint64)

    def choose(self, call: Call, now: float) -> Choice | None:
        """See Policy."""
        shares = self._shares(call)
        if shares.min() == np.inf:
            return None
        keys = call.asked.keys
        scores = self._scores(keys[0] if keys else mixed(call.number))
        bound = BOUND * (self._load.sum() + 1) / self._fleet.slots.sum()
        # At least the emptiest may take it, whatever the mean.
        scores[shares > max(bound, shares.min())] = 0
        return self._send(int(scores.argmax()))

    def _scores(self, key: int) -> NDArray[np.uint64]:
        scores = self._hashes ^ np.uint64(key)
        scores *= np.uint64(0xBF58476D1CE4E5B9)
        scores ^= scores >> np.uint64(31)
        scores *= np.uint64(0x94D049BB133111EB)
        return scores ^ (scores >> np.uint64(29))
