"""What a routing policy is to the simulation."""

import math
import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from bench.scenarios.policy.fleet import Distances, World
from bench.scenarios.policy.node import Node, Service, observed
from bench.scenarios.policy.prompts import Arrival
from nearfield.core.prediction import HANDSHAKES
from node_agent.rates import Observation, Rates


class Asked(NamedTuple):
    """An arrival with its keys, which all policies share."""

    arrival: Arrival
    keys: Sequence[int]
    answered: Sequence[int]


@dataclass(slots=True)
class Call:
    """One request on its way: the nodes that failed it, and where it was sent last, and when.

    `wait` is what the last node that turned it away told: seconds it would have waited there,
    or None where it was not for the time that would take.
    """

    number: int
    asked: Asked
    tried: set[int] = field(default_factory=set)
    attempts: int = 0
    node: int = -1
    sent: float = 0.0
    choice: "Choice | None" = None
    wait: float | None = None

    @property
    def city(self) -> int:
        """Index of the city it comes from."""
        return self.asked.arrival.city


class Choice(NamedTuple):
    """A node to ask, and what the policy holds of it.

    `warm` says that no handshake is due, `budget` how many seconds the node may take until
    the first token, None for any time.
    """

    node: int
    predicted: float = math.nan
    tier: str = ""
    warm: bool = True
    budget: float | None = None

    @property
    def trips(self) -> float:
        """Round trips from sending to admission."""
        return 1.0 if self.warm else 1.0 + HANDSHAKES


class Wait(NamedTuple):
    """Ask again at this moment: an answer of the control plane is under way."""

    until: float


Schedule = Callable[[float, Callable[[float], None]], None]


class Fleet:
    """All nodes at this moment, and what of them is worth having as arrays by place."""

    def __init__(self, world: World, distances: Distances) -> None:
        self.world = world
        self.distances = distances
        self.nodes: list[Node] = world.nodes()
        self.slots = np.array([kind.slots for kind in world.kinds], np.float64)
        self.base = np.array([kind.base for kind in world.kinds])
        self.prefill = np.array([kind.prefill for kind in world.kinds])
        self.free = np.zeros(len(self.nodes))
        """When a new request's prefill could start; infinite while a node is away."""
        self.up = np.ones(len(self.nodes), np.bool_)

    def has_served(self, arrivals: Sequence[Arrival], load: float, rng: random.Random) -> None:
        """Begin as if the run had gone on for long, but with empty caches.

        Nodes know themselves from these requests, and a share `load` of the slots is taken.
        """
        seen = {
            kind: [observed(kind, one, load) for one in arrivals] for kind in set(self.world.kinds)
        }
        learned = {kind: Rates() for kind in seen}
        for kind, rates in learned.items():
            for one in seen[kind]:
                rates.observe(one)
        for place, node in enumerate(self.nodes):
            node.rates = deepcopy(learned[node.kind])
            for _ in range(node.kind.slots):
                if rng.random() < load:
                    self._occupy(node, seen[node.kind], rng)
            self.note(place)

    def _occupy(self, node: Node, seen: Sequence[Observation], rng: random.Random) -> None:
        # Who looks at a moment finds long answers more often than short ones.
        (one,) = rng.choices(seen, [one.held for one in seen])
        node.occupy(rng.uniform(0.0, one.held), one)

    def note(self, place: int) -> None:
        """Take up what an admission changed of a node."""
        node = self.nodes[place]
        self.free[place] = max(node.slot_free, node.prefill_free)

    def fail(self, place: int) -> None:
        """Lose a node with all that runs there."""
        self.nodes[place].fail()
        self.free[place], self.up[place] = math.inf, False

    def restart(self, place: int) -> None:
        """Have it back, empty."""
        self.nodes[place].restart()
        self.free[place], self.up[place] = 0.0, True


class Policy(Protocol):
    """Chooses a node for each request; one object serves one run.

    `reserves`: a choice holds its place in the node's queue at once, as only one can that
    knows everything. `reads_reports`: `reported` is called once a second for each node.
    """

    reserves: bool
    reads_reports: bool

    def choose(self, call: Call, now: float) -> Choice | Wait | None:
        """Return where to send a request, or None to give up."""

    def reported(self, place: int, now: float) -> None:
        """Hear a node's report, which tells of this moment."""

    def admitted(self, call: Call, service: Service, now: float) -> None:
        """Learn that the node took a request, at the moment when it did."""

    def failed(self, call: Call, now: float) -> None:
        """Learn that a node refused or lost a request; `call.node` is that node."""

    def changed(self, place: int, now: float) -> None:
        """Learn that a node is away or back."""


class Plain:
    """A policy that learns from nothing but its own choices."""

    reserves = False
    reads_reports = False

    def reported(self, place: int, now: float) -> None:
        """See Policy."""

    def admitted(self, call: Call, service: Service, now: float) -> None:
        """See Policy."""

    def failed(self, call: Call, now: float) -> None:
        """See Policy."""

    def changed(self, place: int, now: float) -> None:
        """See Policy."""
