"""Policies other than ours: each names the node to ask, by what it could know."""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from nearfield.core.geo import Position, distance_km
from nearfield.core.node import NodeView

NEAREST = "nearest by map"
LEAST_LOADED = "least loaded"
ROUND_ROBIN = "round robin"
AFFINITY = "prefix affinity"
BOUND = 1.25
"""Times the mean load that a node may have before a prefix goes elsewhere: the usual factor of
consistent hashing with bounded loads."""


@dataclass(frozen=True, slots=True)
class Site:
    """A node, and where it stands."""

    name: str
    endpoint: str
    pop: str
    position: Position


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a policy is told of a request; `key` stands for its first 256 bytes."""

    place: Position
    key: int
    tried: Set[str] = frozenset()


class Board:
    """Nodes as last reported, and what was sent to each since then."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self.sites = tuple(sites)
        self._reported: dict[str, int] = {}
        self._sent = Counter[str]()
        self._up = {site.name for site in sites}

    def report(self, views: Iterable[NodeView]) -> None:
        """Take the nodes' loads and states as they are now."""
        seen = list(views)
        self._reported = {one.info.name: one.load.running + one.load.waiting for one in seen}
        self._up = {one.info.name for one in seen if one.takes_work}
        self._sent.clear()

    def sent(self, name: str) -> None:
        """Count a request that leaves for a node."""
        self._sent[name] += 1

    def load(self, site: Site) -> int:
        """Return the requests at a node, as far as is known."""
        return self._reported.get(site.name, 0) + self._sent[site.name]

    def open(self, tried: Set[str]) -> list[Site]:
        """Return the nodes that take work and were not tried, in a fixed order."""
        return [site for site in self.sites if site.name in self._up and site.name not in tried]


class Chooser(Protocol):
    """A policy; it keeps what it has learned between requests."""

    def choose(self, wanted: Wanted, board: Board) -> Site | None:
        """Return the node to ask, never one that was tried; None where none is left."""


class NearestByMap:
    """The shortest great circle."""

    def choose(self, wanted: Wanted, board: Board) -> Site | None:
        """See Chooser."""
        sites = board.open(wanted.tried)
        return min(sites, key=lambda site: distance_km(site.position, wanted.place), default=None)


class RoundRobin:
    """All nodes in turn."""

    def __init__(self) -> None:
        self._turn = -1

    def choose(self, wanted: Wanted, board: Board) -> Site | None:
        """See Chooser."""
        sites = {site.name: site for site in board.open(wanted.tried)}
        for _ in board.sites:
            self._turn = (self._turn + 1) % len(board.sites)
            if (site := sites.get(board.sites[self._turn].name)) is not None:
                return site
        return None


class LeastLoaded:
    """The fewest requests, anywhere; of equals by lot."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"lots.{seed}")

    def choose(self, wanted: Wanted, board: Board) -> Site | None:
        """See Chooser."""
        sites = board.open(wanted.tried)
        least = min(map(board.load, sites), default=0)
        equals = [site for site in sites if board.load(site) == least]
        return self._rng.choice(equals) if equals else None


class PrefixAffinity:
    """The highest hash of the prompt's first key and the node, among nodes not above the bound."""

    def choose(self, wanted: Wanted, board: Board) -> Site | None:
        """See Chooser."""
        sites = board.open(wanted.tried)
        total = sum(map(board.load, sites))
        room = math.ceil(BOUND * (total + 1) / max(1, len(sites)))
        below = [site for site in sites if board.load(site) < room]
        return max(below, key=lambda site: _score(wanted.key, site.name), default=None)


def _score(key: int, name: str) -> bytes:
    return hashlib.blake2b(name.encode(), key=key.to_bytes(8, "little"), digest_size=8).digest()


def choosers(seed: int) -> dict[str, Chooser]:
    """Return a fresh one of each, by name."""
    return {
        NEAREST: NearestByMap(),
        LEAST_LOADED: LeastLoaded(seed),
        ROUND_ROBIN: RoundRobin(),
        AFFINITY: PrefixAffinity(),
    }
