"""The product's control plane, fed by nodes in virtual time."""

import random
from collections import OrderedDict, deque
from collections.abc import Sequence

from bench.scenarios.policy.policies.base import Fleet
from bench.scenarios.policy.prompts import KEY_TOKENS
from control_plane.fleet.residency import PrefixIndex
from control_plane.routing.map import RoutingMap
from control_plane.routing.networks import Networks
from control_plane.routing.router import Router
from nearfield.core.clock import Clock
from nearfield.core.geo import Position
from nearfield.core.node import Health, Model, NodeInfo, NodeLoad, NodeState, NodeView
from nearfield.core.prefix import PrefixSummary

HOT_KEYS = 340
"""What a report of 4,096 bytes holds at 12 bytes a key."""
REPLICAS = (Position(39.04, -77.49), Position(50.11, 8.68), Position(1.35, 103.82))
"""Ashburn, Frankfurt, Singapore; a client asks the one nearest to it."""
PUSHES_KEPT = 2
"""One a second: none is on its way for longer."""
MODEL = Model("bench-8b", "digest", 32_768, "bfloat16")


class Plane:
    """One replica's view: what the others hear is the same."""

    def __init__(self, fleet: Fleet, clock: Clock, seed: int) -> None:
        self._fleet = fleet
        self._clock = clock
        self._map = RoutingMap()
        self._index = PrefixIndex()
        self.infos = [
            NodeInfo(
                site.name, "1", site.name, site.pop, site.position, site.jurisdiction, (MODEL,)
            )
            for site in fleet.world.sites
        ]
        self._told = [_Told() for _ in self.infos]
        self._pushed: list[deque[tuple[float, NodeLoad]]] = [
            deque(maxlen=PUSHES_KEPT) for _ in self.infos
        ]
        for place in range(len(self.infos)):
            self._put(place, Health.ALIVE)
        rng = random.Random(f"router.{seed}")
        self.router = Router(self._map, self._index, Networks(), clock, rng)

    def report(self, place: int, now: float) -> None:
        """Take a node's report and what its cache gained and lost."""
        name, load = self.infos[place].name, self._fleet.nodes[place].load(now)
        self._map.loaded(name, load, now)
        pushed = self._pushed[place]
        if not pushed or _moved(pushed[-1][1], load):
            pushed.append((now, load))
        summary = self._told[place].summary()
        if summary is not None:
            self._index.take(name, summary)

    def note(self, place: int, keys: Sequence[int]) -> None:
        """Have a node tell of a prompt's keys with its next report."""
        self._told[place].note(keys)

    def pushed(self, place: int, until: float) -> tuple[float, NodeLoad] | None:
        """Return the newest load that a node had told its open sessions by then, and when."""
        return next((one for one in reversed(self._pushed[place]) if one[0] <= until), None)

    def change(self, place: int) -> None:
        """See a node go, or come back with an empty cache: a broken link is seen at once."""
        up = bool(self._fleet.up[place])
        if not up:
            self._index.forget(self.infos[place].name)
            self._told[place] = _Told(self._told[place].epoch + 1)
        self._put(place, Health.ALIVE if up else Health.LOST)

    def _put(self, place: int, health: Health) -> None:
        load = self._fleet.nodes[place].load(self._clock())
        view = NodeView(self.infos[place], NodeState.READY, health, load=load)
        self._map.put(view, self._clock())


def _moved(before: NodeLoad, load: NodeLoad) -> bool:
    return (before.running, before.waiting) != (load.running, load.waiting)


class _Told:
    """The keys a node has told of: those of the requests it had last."""

    def __init__(self, epoch: int = 1) -> None:
        self.epoch = epoch
        self._seq = -1
        self._keys: OrderedDict[int, int] = OrderedDict()
        self._news: dict[int, int] = {}

    def note(self, keys: Sequence[int]) -> None:
        told = self._keys
        for depth in range(min(len(keys), HOT_KEYS), 0, -1):
            key = keys[depth - 1]
            if key not in told:
                told[key] = self._news[key] = depth * KEY_TOKENS
            told.move_to_end(key)
        while len(told) > HOT_KEYS:
            key, _ = told.popitem(last=False)
            self._news.pop(key, None)
            self._news[key] = 0

    def summary(self) -> PrefixSummary | None:
        """Return what changed since the last time."""
        if not self._news:
            return None
        self._seq += 1
        if self._seq == 0:
            entries = tuple(self._keys.items())
        else:
            entries = tuple(sorted(self._news.items(), key=lambda entry: entry[1] > 0))
        self._news.clear()
        return PrefixSummary(self.epoch, self._seq, self._seq == 0, entries)
