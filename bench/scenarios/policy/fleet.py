"""The world a policy chooses in: nodes of three kinds, and true round trips to them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.scenarios.policy.cities import City
from bench.scenarios.policy.node import Kind, Node
from bench.scenarios.policy.world import Site, place_nodes, true_round_trip
from nearfield.core.geo import Position

Floats = NDArray[np.float64]
KINDS = (
    (0.5, Kind("middle", 8, 10_000, 55, 35, 3000)),
    (0.3, Kind("small", 4, 5000, 45, 30, 1500)),
    (0.2, Kind("large", 12, 20_000, 60, 40, 6000)),
)
"""An 8B model on a GPU of 24 to 80 GB, and the share of nodes that have it. Such a GPU has 16 to
64 slots: here it has a fifth to a quarter, so that tens of thousands of requests are a real load
for thousands of nodes. A slot is waited for the longer, by every policy alike."""
CENTRE = Position(39.04, -77.49)
"""Ashburn, where most of the world's clouds have a region."""


@dataclass(frozen=True, slots=True)
class World:
    """Cities, sites, and each site's kind; place i is the same node in every fleet."""

    cities: tuple[City, ...]
    sites: tuple[Site, ...]
    kinds: tuple[Kind, ...]

    @property
    def slots(self) -> int:
        """Slots of all nodes together."""
        return sum(kind.slots for kind in self.kinds)

    def nodes(self) -> list[Node]:
        """Return all nodes, fresh."""
        return [Node(kind) for kind in self.kinds]

    def centralised(self) -> "World":
        """Return the same nodes, all of them in one place."""
        sites = tuple(replace(site, pop="centre", position=CENTRE) for site in self.sites)
        return replace(self, sites=sites)


def build_world(cities: Sequence[City], nodes: int, seed: int) -> World:
    """Place the nodes and draw their hardware; raises InvalidRequest."""
    rng = random.Random(f"world.{seed}")
    sites = place_nodes(cities, nodes, rng)
    shares = [share for share, _ in KINDS]
    kinds = rng.choices([kind for _, kind in KINDS], shares, k=len(sites))
    return World(tuple(cities), sites, tuple(kinds))


class Distances:
    """Round trips from a city to every node, worked out when first asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        numbers: dict[str, int] = {}
        self._pop = np.array(
            [numbers.setdefault(site.pop, len(numbers)) for site in world.sites], np.intp
        )
        self._first = list({site.pop: site for site in reversed(world.sites)}.values())[::-1]
        self._first.sort(key=lambda site: numbers[site.pop])
        self._rows: dict[int, Floats] = {}

    @property
    def pops(self) -> Sequence[Site]:
        """One site of each PoP, in order of their numbers."""
        return self._first

    @property
    def pop_of(self) -> NDArray[np.intp]:
        """Each node's PoP as a number."""
        return self._pop

    def row(self, city: int) -> Floats:
        """Return the seconds of a round trip from a city to each node."""
        row = self._rows.get(city)
        if row is None:
            home = self._world.cities[city]
            row = np.array([true_round_trip(home, site) for site in self._first])[self._pop]
            self._rows[city] = row
        return row
