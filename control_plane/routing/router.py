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
    needs_core,
    tier,
    weights,
)
from control_plane.routing.explaining import explain_node
from control_plane.routing.filters import Exclusion, exclusion, refusal, resolve_model
from control_plane.routing.map import RoutingMap
from control_plane.routing.networks import Client, Networks, client_of
from control_plane.routing.rows import Reach, Row, Rows
from control_plane.routing.scoring import Asked, Scorer, Scores
from nearfield.core.clock import Clock
from nearfield.core.errors import NearfieldError
from nearfield.core.geo import Position
from nearfield.core.identity import new_id
from nearfield.core.node import NodeInfo
from nearfield.core.route import Candidate, Explanation, Lease, RouteQuery

LEASE_SECONDS = 30.0
RENEW_SECONDS = 20.0
"""Leaves ten seconds to renew in the background, more than a control plane takes to restart."""
CONSIDERED_MOST = 16
"""Of which five are named; more only matter where more than these are alike."""
USABLE_LEAST = CANDIDATES_MOST


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
        """Return a lease without a ticket; `address` is the client's, without its port.

        Candidates come soonest first. Raises UnknownModel, InvalidRequest, or NoCandidate
        with what took the nodes out.
        """
        asked = self._ask(query, client_of(address))
        with self._scorer.noted(asked) as noted:
            scores = self._scores(asked, noted)
            if not scores.usable:
                raise refusal(asked.query, self._fleet)
            slots = self._choose(asked, scores)
        return self._lease(asked, slots, self._fleet.places[scores.nearest()].info.pop)

    def explain(self, query: RouteQuery, address: str = "") -> Explanation:
        """Return the whole decision: every node, ranked or excluded, each with its reason."""
        asked = self._ask(query, client_of(address))
        places = self._fleet.places
        able: list[tuple[Candidate, int, Exclusion | None]] = []
        out: list[tuple[Candidate, int, Exclusion | None]] = []
        for slot in self._fleet.slots():
            found = exclusion(places[slot], asked.query)
            (out if found else able).append((self._candidate(slot, asked), slot, found))
        able.sort(key=lambda one: _order(one[0]))
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

    def _measured(self, query: RouteQuery) -> Iterator[tuple[str, Position, float]]:
        for name, trip in query.round_trips.items():
            if (slot := self._fleet.slot(name)) is not None:
                info = self._fleet.places[slot].info
                yield info.pop, info.position, trip.seconds

    def _scores(self, asked: Asked, noted: list[int]) -> Scores:
        query = asked.query
        row = self._rows.row(query.origin, query.model, query.constraints)
        scores = self._scored(row, asked, noted)
        if scores.usable >= USABLE_LEAST or (row.whole and row.version == self._fleet.version):
            return scores
        row = self._rows.row(query.origin, query.model, query.constraints, Reach.ALL)
        return self._scored(row, asked, noted)

    def _scored(self, row: Row, asked: Asked, noted: list[int]) -> Scores:
        """Score a row, and the single nodes beside it that something is known of."""
        slots, trips = row.slots, row.round_trips
        beside = [] if row.whole else row.missing(self._known(asked, noted))
        if beside:
            slots = np.append(slots, beside)
            trips = np.append(trips, self._rows.round_trips(beside, asked.query.origin))
        return self._scorer.scores(slots, trips, asked)

    def _known(self, asked: Asked, noted: list[int]) -> list[int]:
        if asked.query.origin is not None or not asked.learned:
            return noted
        # Without an origin, a row holds nodes from anywhere; the network knows better.
        fleet = self._fleet
        pops = [fleet.pops[pop] for pop in asked.learned if pop in fleet.pops]
        near = np.flatnonzero(np.isin(fleet.pop, pops) & fleet.held)
        return list({*noted, *near.tolist()})

    def _choose(self, asked: Asked, scores: Scores) -> list[int]:
        places = self._fleet.places
        best = scores.best(CONSIDERED_MOST)
        slots = choose(best, places, CANDIDATES_MOST, self._rng)
        if needs_core(slots, self._fleet):
            query = asked.query
            core = self._rows.row(query.origin, query.model, query.constraints, Reach.CORE)
            resort = self._scored(core, asked, []).best(1)
            slots = slots[: CANDIDATES_MOST - len(resort)] + [slot for _, slot in resort]
        return slots

    def _lease(self, asked: Asked, slots: list[int], home: str) -> Lease:
        shares = weights([self._fleet.places[slot] for slot in slots])
        candidates = [
            self._candidate(slot, asked, home, share)
            for slot, share in zip(slots, shares, strict=True)
        ]
        candidates.sort(key=_order)
        self._count(candidates)
        return Lease(
            new_id("lease"),
            LEASE_SECONDS,
            asked.query.model,
            tuple(candidates),
            self._fleet.version,
            RENEW_SECONDS,
        )

    def _candidate(self, slot: int, asked: Asked, home: str = "", share: float = 1.0) -> Candidate:
        place, now = self._fleet.places[slot], self._clock()
        info, query = place.info, asked.query
        tokens = asked.resident.get(info.name)
        # Of the prompt's keys the deepest: who shares it shares all that lies before it.
        hints = {query.prefix.keys[-1]: tokens} if query.prefix and tokens else {}
        return Candidate(
            node=info.name,
            incarnation=info.incarnation,
            endpoint=info.endpoint,
            pop=info.pop,
            jurisdiction=info.jurisdiction,
            position=info.position,
            model_digest=_digest(info, query.model),
            prediction=self._scorer.prediction(slot, asked, now),
            load=place.load,
            load_age=max(0.0, now - place.heard_at),
            weight=share,
            tier=tier(info, home),
            prefix_hints=hints,
        )

    def _count(self, candidates: Sequence[Candidate]) -> None:
        """Count one request, shared as the clients will share theirs among near-ties."""
        first = candidates[0].prediction.rank
        alike = [one for one in candidates if one.prediction.rank - first <= NEAR_TIE_SECONDS]
        total = sum(one.weight for one in alike)
        for one in alike:
            self._fleet.sent(one.node, one.weight / total)


def _digest(info: NodeInfo, model: str) -> str:
    for served in info.models:
        if served.name == model:
            return served.digest
    return ""


def _order(candidate: Candidate) -> tuple[float, str]:
    return candidate.prediction.rank, candidate.node


def _distance(candidate: Candidate) -> float:
    return candidate.prediction.round_trip.seconds
