"""Decides where a request should go: the soonest nodes, and what each is predicted to cost."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from control_plane.routing.choice import (
    CANDIDATES_MOST,
    NEAR_TIE_SECONDS,
    choose,
    in_flight,
    needs_core,
    tier,
    weights,
)
from control_plane.routing.decision import RENEW_SECONDS, Decision, Named, candidate_of
from control_plane.routing.explaining import explain_node
from control_plane.routing.filters import Exclusion, exclusion, refusal, resolve_model
from control_plane.routing.map import RoutingMap
from control_plane.routing.networks import Client, Networks, client_of
from control_plane.routing.rows import Reach, Row, Rows, Slots
from control_plane.routing.scoring import Asked, Scorer, Scores
from nearfield.core.clock import Clock
from nearfield.core.errors import NearfieldError
from nearfield.core.geo import Direction
from nearfield.core.identity import new_id
from nearfield.core.route import Candidate, Explanation, Lease, RouteQuery

CONSIDERED_MOST = 16
"""Of which five are named; more only matter where more than these are alike."""
USABLE_LEAST = CANDIDATES_MOST
_NO_SLOTS = np.zeros(0, np.intp)


class Residency(Protocol):
    """Knows which nodes hold a prompt's prefix."""

    def match(self, keys: Sequence[int]) -> Mapping[str, int]:
        """Return the resident tokens by node; `keys` are shallowest first."""


class Router:
    """Routes on one map; not for use from several threads."""

    def __init__(
        self,
        fleet: RoutingMap,
        index: Residency,
        networks: Networks,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._fleet = fleet
        self._index = index
        self._networks = networks
        self._clock = clock
        self._rng = rng
        self._rows = Rows(fleet, clock)
        self._scorer = Scorer(fleet)

    def meant(self, model: str) -> str:
        """Return the model that a name stands for, or the name where it stands for none."""
        try:
            return resolve_model(model, self._fleet)
        except NearfieldError:
            return model

    def route(self, query: RouteQuery, address: str = "") -> Lease:
        """Decide, and return the lease without its ticket."""
        return self.decide(query, address).lease()

    def decide(self, query: RouteQuery, address: str = "") -> Decision:
        """Return whom to ask, soonest first; `address` is the client's, without its port.

        Raises UnknownModel, InvalidRequest, or NoCandidate with what took the nodes out.
        """
        asked = self._ask(query, client_of(address))
        noted = self._scorer.note(asked)
        try:
            scores = self._scores(asked, noted)
            if not scores.usable:
                raise refusal(asked.query, self._fleet)
            slots = self._choose(asked, scores)
        finally:
            self._scorer.forget(noted)
        return self._decision(asked, slots, self._fleet.places[scores.nearest()].info.pop)

    def explain(self, query: RouteQuery, address: str = "") -> Explanation:
        """Return the whole decision: every node, ranked or excluded, each with its reason."""
        asked = self._ask(query, client_of(address))
        places = self._fleet.places
        able: list[tuple[Candidate, int, Exclusion | None]] = []
        out: list[tuple[Candidate, int, Exclusion | None]] = []
        for slot in self._fleet.slots():
            found = exclusion(places[slot], asked.query)
            candidate = candidate_of(
                self._named(slot, asked, self._clock()), asked.query.model, _deepest(query)
            )
            (out if found else able).append((candidate, slot, found))
        able.sort(key=lambda one: (one[0].prediction.rank, one[0].node))
        home = min((one for one, _, _ in able), key=_distance).pop if able else ""
        nodes = [
            explain_node(
                replace(candidate, tier=tier(places[slot].info, home)),
                asked.query.origin,
                rank,
                found,
            )
            for rank, (candidate, slot, found) in enumerate((*able, *out), start=1)
        ]
        return Explanation(asked.query.model, tuple(nodes), self._fleet.version)

    def _ask(self, query: RouteQuery, client: Client) -> Asked:
        """Resolve the model, take what the client measured, look up what others did."""
        model = resolve_model(query.model, self._fleet)
        if model != query.model:
            query = replace(query, model=model)
        if query.round_trips:
            self._networks.note(client, query.origin, self._measured(query))
        prefix = query.prefix
        resident = self._index.match(prefix.keys) if prefix and prefix.keys else {}
        return Asked(query, self._networks.learned(client, query.origin), resident)

    def _measured(self, query: RouteQuery) -> Iterator[tuple[str, Direction, float]]:
        for name, trip in query.round_trips.items():
            if (slot := self._fleet.slot(name)) is not None:
                place = self._fleet.places[slot]
                yield place.info.pop, place.direction, trip.seconds

    def _scores(self, asked: Asked, noted: Slots) -> Scores:
        query = asked.query
        row = self._rows.row(query.origin, query.model, query.constraints)
        scores = self._scored(row, asked, noted)
        if scores.usable >= USABLE_LEAST or (row.whole and row.version == self._fleet.version):
            return scores
        row = self._rows.row(query.origin, query.model, query.constraints, Reach.ALL)
        return self._scored(row, asked, noted)

    def _scored(self, row: Row, asked: Asked, noted: Slots) -> Scores:
        """Score a row, and the single nodes beside it that something is known of."""
        slots, trips = row.slots, row.round_trips
        if not row.whole and len(beside := row.missing(self._known(asked, noted))):
            beside = beside[self._scorer.fit(beside, asked)]
            far = self._rows.round_trips(beside, asked.query.origin)
            slots, trips = np.concatenate((slots, beside)), np.concatenate((trips, far))
        return self._scorer.scores(slots, trips, asked, fit=row.version == self._fleet.version)

    def _known(self, asked: Asked, noted: Slots) -> Slots:
        if asked.query.origin is not None or not asked.learned:
            return noted
        # Without an origin, a row holds nodes from anywhere; the network knows better.
        fleet = self._fleet
        pops = [fleet.pops[pop] for pop in asked.learned if pop in fleet.pops]
        near = np.flatnonzero(np.isin(fleet.pop, pops) & fleet.held)
        return np.union1d(noted, near)

    def _choose(self, asked: Asked, scores: Scores) -> list[int]:
        places = self._fleet.places
        best = scores.best(CONSIDERED_MOST)
        slots = choose(best, places, CANDIDATES_MOST, self._rng)
        if self._fleet.cores and needs_core(slots, self._fleet):
            query = asked.query
            core = self._rows.row(query.origin, query.model, query.constraints, Reach.CORE)
            resort = self._scored(core, asked, _NO_SLOTS).best(1)
            slots = slots[: CANDIDATES_MOST - len(resort)] + [slot for _, slot in resort]
        return slots

    def _decision(self, asked: Asked, slots: list[int], home: str) -> Decision:
        shares, now = weights([self._fleet.places[slot] for slot in slots]), self._clock()
        named = [
            self._named(slot, asked, now, home, share)
            for slot, share in zip(slots, shares, strict=True)
        ]
        named.sort(key=_order)
        self._count(named, len(asked.query.outcomes))
        key = _deepest(asked.query)
        return Decision(new_id("lease"), asked.query.model, self._fleet.version, named, key)

    def _named(
        self, slot: int, asked: Asked, now: float, home: str = "", share: float = 1.0
    ) -> Named:
        place = self._fleet.places[slot]
        return Named(
            place,
            self._scorer.prediction(slot, asked, now),
            max(0.0, now - place.heard_at),
            share,
            tier(place.info, home),
            asked.resident.get(place.info.name, 0),
        )

    def _count(self, candidates: Sequence[Named], answers: int) -> None:
        """Count what a lease will send, shared as the client shares it among near-ties."""
        requests = in_flight(answers, candidates[0].load.service_seconds, RENEW_SECONDS)
        first = candidates[0].prediction.rank
        alike = [one for one in candidates if one.prediction.rank - first <= NEAR_TIE_SECONDS]
        total = sum(one.weight for one in alike)
        for one in alike:
            self._fleet.sent(one.node, requests * one.weight / total)


def _deepest(query: RouteQuery) -> int | None:
    return query.prefix.keys[-1] if query.prefix and query.prefix.keys else None


def _order(named: Named) -> tuple[float, str]:
    return named.prediction.rank, named.node


def _distance(candidate: Candidate) -> float:
    return candidate.prediction.round_trip.seconds
