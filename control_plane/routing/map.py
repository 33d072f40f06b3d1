"""The live view as arrays, one place for each node: what routing reads."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from control_plane.routing.kinds import Kinds
from control_plane.routing.sphere import unit_vector
from nearfield.core.geo import Direction, direction
from nearfield.core.node import Health, NodeInfo, NodeLoad, NodeState, NodeView
from nearfield.core.prediction import prefill_rate, queue_wait, seconds_per_byte

STANDINGS = ("", "health", "state")
"""What a code of `RoutingMap.closed` means; 0 takes work."""
Value = TypeVar("Value", bound=np.generic)
_SLOTS_AT_FIRST = 64
_KINDS_SPARE = 1024
"""Kinds that no node is of any more, such as of yesterday's prices, before all are renumbered."""


@dataclass(slots=True)
class Place:
    """A node as routing holds it.

    `routed` counts what was sent there since `load` was read, `heard_at` is when that was;
    `direction` is the node's place as seen from the Earth's centre.
    """

    info: NodeInfo
    state: NodeState
    health: Health
    reason: str
    load: NodeLoad
    heard_at: float
    direction: Direction
    routed: float = 0.0

    @property
    def free_slots(self) -> float:
        """Requests that could start at once; negative where some wait already."""
        load = self.load
        return load.slots * load.ramp - load.running - load.waiting - self.routed


class RoutingMap:
    """Written by the registry alone. Arrays are by slot; a slot is free, or one node's.

    `units` are positions as unit vectors, `static` queue + base in seconds, NaN of a node that
    takes no work, `per_byte` and `per_token` seconds of prefill; `closed`, `kind` and `pop` are
    numbers of what is named in STANDINGS, `kinds` and `pops`.
    `cores` counts nodes of the core region, `version` changes of membership and of what is
    fixed of a node.
    """

    def __init__(self) -> None:
        self.version = 0
        self.kinds = Kinds()
        self.places: dict[int, Place] = {}
        self.models: Counter[str] = Counter()
        self.local_models: Counter[str] = Counter()
        self.jurisdictions: Counter[str] = Counter()
        self.pops: dict[str, int] = {}
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        self.units = np.zeros((0, 3))
        self.static = np.zeros(0)
        self.per_byte = np.zeros(0)
        self.per_token = np.zeros(0)
        self.closed = np.zeros(0, np.uint8)
        self.kind = np.zeros(0, np.intp)
        self.pop = np.zeros(0, np.intp)
        self.core = np.zeros(0, np.bool_)
        self.cores = 0
        self.held = np.zeros(0, np.bool_)
        self._make_room(_SLOTS_AT_FIRST)

    def __len__(self) -> int:
        return len(self._slots)

    def slot(self, name: str) -> int | None:
        """Return a node's slot, None where no such node is known."""
        return self._slots.get(name)

    def by_slot(self, tokens: Mapping[str, int]) -> dict[int, int]:
        """Return what is given by name by slot instead; names of no node are left out."""
        slots = self._slots
        return {slots[name]: count for name, count in tokens.items() if name in slots}

    def slots(self) -> list[int]:
        """Return all slots that are held, by the names of their nodes."""
        return [slot for _, slot in sorted(self._slots.items())]

    def put(self, view: NodeView, heard_at: float) -> None:
        """Take in a node, or what changed of it; `heard_at` is on the registry's clock."""
        slot = self._slots.get(view.info.name)
        if slot is None:
            slot = self._slots[view.info.name] = self._free_slot()
        before = self.places.get(slot)
        here = before.direction if before and before.info is view.info else None
        place = Place(
            view.info,
            view.state,
            view.health,
            view.reason,
            view.load,
            heard_at,
            here or direction(view.info.position),
        )
        if before is None or before.info != view.info:
            self._settle(slot, before.info if before else None, view.info)
        if before is not None and before.load is view.load and before.heard_at == heard_at:
            place.routed = before.routed  # nothing was heard: what was sent there still counts
        self.places[slot] = place
        self.closed[slot] = _standing(view)
        self._weigh(slot, place)

    def loaded(self, name: str, load: NodeLoad, heard_at: float) -> None:
        """Take a report that moves nothing but the load."""
        slot = self._slots[name]
        place = self.places[slot]
        place.load, place.heard_at, place.routed = load, heard_at, 0.0
        self._weigh(slot, place)

    def remove(self, name: str) -> None:
        """Forget a node; its slot is closed at once and may become another's."""
        slot = self._slots.pop(name)
        self._count(self.places.pop(slot).info, -1)
        self.closed[slot] = STANDINGS.index("health")
        self.static[slot] = math.nan
        self.held[slot] = False
        self._free.append(slot)
        self.version += 1

    def sent(self, name: str, requests: float) -> None:
        """Count requests as sent, until the node's next report says how it fares."""
        slot = self._slots[name]
        place = self.places[slot]
        place.routed += requests
        if not self.closed[slot]:
            self.static[slot] = queue_wait(place.load, place.routed) + place.load.base_seconds

    def _weigh(self, slot: int, place: Place) -> None:
        load = place.load
        wait = math.nan if self.closed[slot] else queue_wait(load, place.routed)
        self.static[slot] = wait + load.base_seconds
        self.per_byte[slot] = seconds_per_byte(load)
        self.per_token[slot] = 1.0 / prefill_rate(load)

    def _settle(self, slot: int, before: NodeInfo | None, info: NodeInfo) -> None:
        """Write what is fixed of a node."""
        if before:
            self._count(before, -1)
        self._count(info, 1)
        self.units[slot] = unit_vector(info.position)
        self.core[slot] = info.core
        self.pop[slot] = self.pops.setdefault(info.pop, len(self.pops))
        self.kind[slot] = self.kinds.number(info)
        self.held[slot] = True
        self.version += 1
        if len(self.kinds) > 2 * len(self) + _KINDS_SPARE:
            self._renumber(slot, info)

    def _renumber(self, slot: int, info: NodeInfo) -> None:
        self.kinds = Kinds()
        for other in self._slots.values():
            if other != slot:
                self.kind[other] = self.kinds.number(self.places[other].info)
        self.kind[slot] = self.kinds.number(info)

    def _count(self, info: NodeInfo, step: int) -> None:
        _add(self.jurisdictions, info.jurisdiction, step)
        self.cores += step * info.core
        for model in info.models:
            _add(self.models, model.name, step)
        for name in info.local_models:
            _add(self.local_models, name, step)

    def _free_slot(self) -> int:
        if not self._free:
            self._make_room(2 * len(self.held))
        return self._free.pop()

    def _make_room(self, slots: int) -> None:
        self._free.extend(range(slots - 1, len(self.held) - 1, -1))
        self.units, self.static = _grown(self.units, slots), _grown(self.static, slots)
        self.per_byte, self.per_token = _grown(self.per_byte, slots), _grown(self.per_token, slots)
        self.closed, self.held = _grown(self.closed, slots), _grown(self.held, slots)
        self.kind, self.pop = _grown(self.kind, slots), _grown(self.pop, slots)
        self.core = _grown(self.core, slots)


def _grown(array: NDArray[Value], slots: int) -> NDArray[Value]:
    wider = np.zeros((slots, *array.shape[1:]), array.dtype)
    wider[: len(array)] = array
    return wider


def _add(counts: Counter[str], name: str, step: int) -> None:
    counts[name] += step
    if not counts[name]:
        del counts[name]


def _standing(view: NodeView) -> int:
    if view.health is not Health.ALIVE:
        return STANDINGS.index("health")
    return 0 if view.state is NodeState.READY else STANDINGS.index("state")
