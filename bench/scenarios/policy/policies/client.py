"""A process that embeds the product's client: its lease, its knowledge, its connections."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from bench.scenarios.policy.policies.base import Schedule, Wait
from bench.scenarios.policy.policies.links import Links
from bench.scenarios.policy.policies.plane import MODEL, REPLICAS, Plane
from nearfield.client.choice import Ranked, worth_asking
from nearfield.client.connections import WARM_MOST
from nearfield.client.knowledge import Knowledge
from nearfield.client.prompts import Fingerprint
from nearfield.client.round_trips import RoundTrips
from nearfield.core.clock import Clock
from nearfield.core.geo import Position, expected_round_trip
from nearfield.core.prediction import HANDSHAKES
from nearfield.core.route import Candidate, Lease, RouteQuery


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a process runs, and what it runs with."""

    origin: Position
    address: str
    plane: Plane
    clock: Clock
    schedule: Schedule
    trip: "TripTo"


class TripTo:
    """True round trips of one city by node name."""

    def __init__(self, places: dict[str, int], row: Sequence[float]) -> None:
        self._places = places
        self._row = row

    def place(self, node: str) -> int:
        """Return a node's place in the fleet."""
        return self._places[node]

    def __call__(self, node: str) -> float:
        return float(self._row[self._places[node]])


class Process:
    """Keeps a lease as the client does: renewed in the background while it is in use."""

    def __init__(self, setting: Setting, rng: random.Random) -> None:
        self._setting = setting
        self._rng = rng
        self.links = Links()
        clock = setting.clock
        self.knowledge = Knowledge(
            RoundTrips(clock), lambda node: self.links.is_warm(node, clock()), clock, rng
        )
        self.route_seconds = min(expected_round_trip(setting.origin, one) for one in REPLICAS)
        self._lease: Lease | None = None
        self._until = 0.0
        self._early = False
        self._used = False
        self._old = False
        self._arriving: float | None = None

    def lease(self, query: RouteQuery, now: float) -> Lease | Wait:
        """Return a lease that holds, or the wait for one; raises what the router answers."""
        if self._lease is not None and now < self._until:
            self._used = True
            return self._lease
        return Wait(self._ask(query, now))

    def lease_early(self, query: RouteQuery, best: Ranked, now: float) -> Wait | None:
        """Ask within a lease where that may pay; waits for no longer than it may save."""
        keys = query.prefix.keys if query.prefix else ()
        if (
            self._early
            or self._arriving is not None
            or not keys
            or not worth_asking(best.prediction, self.route_seconds)
            or self.knowledge.prefixes.knows(keys)
        ):
            return None
        comes = self._ask(replace(query, early=True), now)
        return Wait(min(comes, now + best.prediction.prefill))

    def order(
        self, candidates: Sequence[Candidate], prompt: Fingerprint, now: float
    ) -> list[Ranked]:
        """Order candidates by all that was heard until now."""
        for one in candidates:
            self._hear(one.node, now)
        return self.knowledge.order(candidates, prompt)

    def refresh(self, now: float) -> None:
        """Ask in the background for a lease that leaves nobody out."""
        self._ask(RouteQuery(MODEL.name, self._setting.origin), now)

    def expire(self, now: float) -> None:
        """End a lease that led to a node which failed."""
        self._until = min(self._until, now)

    def query(self, prompt: Fingerprint, excluded: frozenset[str]) -> RouteQuery:
        """Return the question for one request."""
        return RouteQuery(
            MODEL.name,
            self._setting.origin,
            excluded_nodes=excluded,
            prefix=prompt.prefix,
            prompt_size=prompt.size,
        )

    def _ask(self, query: RouteQuery, now: float) -> float:
        """Ask the control plane, unless that is under way; returns when its answer comes."""
        if self._arriving is None:
            told = replace(
                query,
                round_trips=self.knowledge.round_trips.snapshot(),
                outcomes=self.knowledge.outcomes.take(),
            )
            lease = self._setting.plane.router.route(told, self._setting.address)
            self._arriving = now + self.route_seconds
            early = query.early
            self._setting.schedule(self._arriving, lambda at: self._arrived(lease, early, at))
        return self._arriving

    def _arrived(self, lease: Lease, early: bool, now: float) -> None:
        self._arriving = None
        self._lease, self._until = lease, now + lease.ttl
        self._early, self._used = early, False
        self.knowledge.learn(lease)
        begin = lease.renew_after or lease.ttl / 2
        renew_at = now + self._rng.uniform(begin, (begin + lease.ttl) / 2)
        if not self._old:  # processes do not all start at once, but are of any age
            renew_at = now + self._rng.uniform(0.0, begin)
            self._old = True
        self._setting.schedule(renew_at, lambda at: self._renew(lease, at))
        self._warm(lease, now)

    def _renew(self, lease: Lease, now: float) -> None:
        if self._lease is lease and self._used and now < self._until:
            self._ask(RouteQuery(MODEL.name, self._setting.origin), now)

    def _warm(self, lease: Lease, now: float) -> None:
        """Connect to the best, and measure those that were not measured lately."""
        ranked = self.knowledge.order(lease.candidates, Fingerprint())
        for one in reversed(ranked[:WARM_MOST]):
            node = one.candidate.node
            trip = self._setting.trip(node)
            ready = self.links.use(node, now, HANDSHAKES * trip)
            self._setting.schedule(ready + trip, partial(self._measured, node, lease.ttl))

    def _hear(self, node: str, now: float) -> None:
        """Take the load that a node told an open session last."""
        opened = self.links.opened(node)
        if opened is None or opened > now:
            return
        trip, setting = self.trip(node), self._setting
        told = setting.plane.pushed(setting.trip.place(node), now - trip / 2)
        if told is not None and told[0] >= opened:
            self.knowledge.loads.learn(node, told[1], age=now - told[0], unseen=trip)

    def trip(self, node: str) -> float:
        """Return the true round trip to a node."""
        return self._setting.trip(node)

    def _measured(self, node: str, fresh: float, now: float) -> None:
        if self.knowledge.round_trips.age(node) > fresh:
            self.knowledge.round_trips.observe(node, self.trip(node))
        self.links.release(node)
