"""What one client has learned of the fleet, from leases and from its own requests."""

import random
from collections.abc import Callable, Sequence

from nearfield.client.choice import Known, Ranked, order
from nearfield.client.loads import KnownLoad, Loads
from nearfield.client.outcomes import Outcomes
from nearfield.client.prefixes import Prefixes
from nearfield.client.prompts import Fingerprint
from nearfield.client.round_trips import RoundTrips
from nearfield.core.clock import Clock, monotonic
from nearfield.core.node import NodeLoad
from nearfield.core.route import Candidate, Lease

Warm = Callable[[str], bool]
"""Whether a connection to an endpoint is open."""


class Knowledge:
    """Round trips, loads, resident prefixes and outcomes; `warm` tells of connections."""

    def __init__(
        self,
        round_trips: RoundTrips,
        warm: Warm,
        clock: Clock = monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self.clock = clock
        self.round_trips = round_trips
        self.loads = Loads(clock)
        self.prefixes = Prefixes(clock)
        self.outcomes = Outcomes()
        self._warm = warm
        self._rng = rng or random.Random()

    def learn(self, lease: Lease) -> None:
        """Take up what a new lease tells."""
        for one in lease.candidates:
            self.loads.learn(one.node, one.load, age=one.load_age)
            if one.prefix_hints:
                self.prefixes.hint(one.node, one.prefix_hints)

    def hear(self, node: str, load: NodeLoad) -> None:
        """Take a load that a node has just told of its own accord, half a round trip ago."""
        trip = self.round_trips.get(node)
        seconds = trip.seconds if trip else 0.0
        self.loads.learn(node, load, age=seconds / 2, unseen=seconds)

    def order(self, candidates: Sequence[Candidate], prompt: Fingerprint) -> list[Ranked]:
        """Return the candidate to ask first, then the others, soonest first."""
        keys = prompt.keys
        resident = self.prefixes.residency(keys, [one.node for one in candidates]) if keys else {}
        known = [(one, self._known(one, resident.get(one.node, 0))) for one in candidates]
        return order(known, prompt.size, self.prefixes.deepest_common(keys), self._rng)

    def _known(self, one: Candidate, resident: int) -> Known:
        load = self.loads.get(one.node) or KnownLoad(one.load, one.load_age, 0)
        return Known(
            load.load,
            load.age,
            self.round_trips.get(one.node),
            load.routed,
            resident,
            self._warm(one.endpoint),
            load.wait_least,
        )
