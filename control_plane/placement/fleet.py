"""The fleet as the planner reckons with it: who serves what, who is on the way, who may move."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nearfield.core.node import Health, Intake, NodeState, NodeView
from nearfield.core.policy import ModelPolicy

SERVICE_SECONDS = 10.0
"""How long a request holds its slot where no node has learned it yet: some 300 tokens."""
SWITCH_SECONDS = 120.0
"""After so long a node that was told to switch and is not back is not counted on any more."""

Demand = Mapping[tuple[str, str], float]
"""Requests a second, by model and PoP."""


@dataclass(frozen=True, slots=True)
class Switch:
    """What a node was told last, and when."""

    model: str
    pop: str
    slots: int
    at: float


History = Mapping[str, Switch]
"""The last switch of each node, by name."""


@dataclass(frozen=True, slots=True)
class Place:
    """One node: the model it serves or is on its way to; `settled` says that it is there.

    `busy` requests, of `service_seconds` each, are for the model it is `serving` yet.
    `may_serve` are the models it can be moved to now: none where it is to be left alone.
    """

    node: str
    pop: str
    model: str
    slots: int
    settled: bool
    takes_work: bool
    serving: str = ""
    busy: int = 0
    service_seconds: float = 0.0
    may_serve: tuple[str, ...] = ()


def read_places(
    views: Sequence[NodeView], now: float, history: History, dwell: float
) -> tuple[Place, ...]:
    """Return the nodes that serve or will, by name; those that are lost or closed are not."""
    found = {view.info.name: _place(view, now, history, dwell) for view in views}
    places = {name: place for name, place in found.items() if place is not None}
    for name, switch in history.items():
        # between its goodbye and its return the registry knows nothing of it
        if name not in places and now - switch.at < SWITCH_SECONDS:
            places[name] = Place(name, switch.pop, switch.model, switch.slots, False, False)
    return tuple(places[name] for name in sorted(places))


def _place(view: NodeView, now: float, history: History, dwell: float) -> Place | None:
    """None for a node that does not serve: lost, closed by an operator, stopping or failed."""
    info, serving, wanted = view.info, view.info.models[:1], wanted_model(view)
    if len(info.models) != 1 or view.desired.intake is not Intake.OPEN:
        return None
    if view.health not in (Health.ALIVE, Health.SUSPECT):
        return None
    refused = view.takes_work and view.applied_revision >= view.desired.revision
    place = Place(
        node=info.name,
        pop=info.pop,
        model=serving[0].name,
        slots=max(1, view.load.slots),
        settled=True,
        takes_work=view.takes_work,
        serving=serving[0].name,
        busy=view.load.running + view.load.waiting,
        service_seconds=view.load.service_seconds,
    )
    if wanted != place.serving and not refused:
        return replace(place, model=wanted, settled=False, takes_work=False)
    if view.state not in (NodeState.READY, NodeState.STARTING):
        return None
    last = history.get(info.name)
    if not view.takes_work or (last is not None and now - last.at < dwell):
        return place
    # what it has refused is not asked for again: its files are missing, or worse
    others = (one for one in info.local_models if one not in (place.serving, wanted))
    return replace(place, may_serve=tuple(others))


def wanted_model(view: NodeView) -> str:
    """Return the model a node was told to serve, of those that it can; empty where it has none."""
    info, wanted = view.info, view.desired.model
    serving = info.models[0].name if info.models else ""
    if not view.desired.revision:
        return serving
    if not wanted and info.local_models:
        wanted = info.local_models[0]  # the one it is set up with comes first
    return wanted if wanted in info.local_models else serving


class Fleet:
    """Places that the planner moves, with the sums over them, kept up at each move."""

    def __init__(
        self, places: Sequence[Place], policies: Sequence[ModelPolicy], demand: Demand
    ) -> None:
        self.places = {place.node: place for place in places}
        self.policies = {policy.model: policy for policy in policies}
        self._load = _loads(places, demand)
        self._slots: Counter[tuple[str, str]] = Counter()
        self._nodes: Counter[tuple[str, bool]] = Counter()
        self._workers: Counter[tuple[str, bool]] = Counter()
        for place in places:
            self._add(place, 1)

    def move(self, node: str, model: str) -> None:
        """Send a node on its way to another model."""
        place = self.places[node]
        moved = replace(place, model=model, settled=False, takes_work=False, may_serve=())
        self._add(place, -1)
        self._add(moved, 1)
        self.places[node] = moved

    def load(self, model: str, pop: str = "") -> float:
        """Slots that requests for a model hold or would hold, in a PoP or, without one, in all."""
        return self._load.get((model, pop), 0.0)

    def slots(self, model: str, pop: str = "") -> int:
        """Slots of the nodes that serve a model or are on their way to it; see `load`."""
        return self._slots[model, pop]

    def count(self, model: str, *, in_place: bool = False) -> int:
        """Nodes that serve a model or are on their way; `in_place`: where its policy wants it."""
        return self._nodes[model, in_place]

    def in_its_place(self, model: str, pop: str) -> bool:
        """Whether a model's policy wants it in this PoP."""
        policy = self.policies.get(model)
        return policy is None or not policy.pops or pop in policy.pops

    def allows(self, model: str, pop: str) -> bool:
        """Whether a model's policy lets one more node of this PoP serve it."""
        policy = self.policies.get(model)
        full = policy and policy.maximum and self.count(model) >= policy.maximum
        return not full and self.in_its_place(model, pop)

    def can_give(self, place: Place) -> bool:
        """Whether a node's model can do without it: what takes work now counts, no promise."""
        model, policy = place.model, self.policies.get(place.model)
        last = self._workers[model, False] - place.takes_work <= 0
        if last and (policy is None or policy.minimum or self.load(model) > 0):
            return False
        if policy is None or not self.in_its_place(model, place.pop):
            return True
        return self._workers[model, True] - place.takes_work >= policy.minimum

    def _add(self, place: Place, sign: int) -> None:
        model = place.model
        for pop in (place.pop, ""):
            self._slots[model, pop] += sign * place.slots
        for in_place in (False, True):
            if not in_place or self.in_its_place(model, place.pop):
                self._nodes[model, in_place] += sign
                self._workers[model, in_place] += sign * place.takes_work


def _loads(places: Sequence[Place], demand: Demand) -> dict[tuple[str, str], float]:
    """By model and PoP, and by model: the larger of what is asked for and what is in hand there.

    A lease serves many requests, so that fewer routes are asked for than requests are made.
    """
    service = _service_seconds(places)
    in_hand: Counter[tuple[str, str]] = Counter()
    for place in places:
        in_hand[place.serving, place.pop] += place.busy
    loads: defaultdict[tuple[str, str], float] = defaultdict(float)
    for model, pop in {*demand, *in_hand}:
        asked = demand.get((model, pop), 0.0) * service.get(model, SERVICE_SECONDS)
        load = max(asked, float(in_hand[model, pop]))
        loads[model, ""] += load
        if pop:
            loads[model, pop] = load
    return loads


def _service_seconds(places: Sequence[Place]) -> dict[str, float]:
    known: defaultdict[str, list[float]] = defaultdict(list)
    for place in places:
        if place.service_seconds > 0 and math.isfinite(place.service_seconds):
            known[place.serving].append(place.service_seconds)
    return {model: sum(values) / len(values) for model, values in known.items()}
