"""One process that embeds the client in virtual time, for tests of the policy bench."""

import random

from bench.scenarios.policy.policies.base import Fleet, Wait
from bench.scenarios.policy.policies.client import Process, Setting, TripTo
from bench.scenarios.policy.policies.ours import Clock
from bench.scenarios.policy.policies.plane import Plane
from nearfield.client.prompts import Fingerprint
from nearfield.core.route import Lease
from tests.support.policy_builders import PLACES

PROMPT = Fingerprint(400)


class Played:
    """One process in London, its clock, and what it scheduled."""

    def __init__(self, where: Fleet) -> None:
        self.where, self.clock = where, Clock()
        self.plane = Plane(where, self.clock, seed=1)
        self.due: list[tuple[float, object]] = []
        places = {info.name: place for place, info in enumerate(self.plane.infos)}
        trips = TripTo(places, where.distances.row(0).tolist())
        origin = PLACES["London"]
        setting = Setting(origin, "10.0.0.1", self.plane, self.clock, self._schedule, trips)
        self.process = Process(setting, random.Random(1))

    def _schedule(self, at: float, action: object) -> None:
        self.due.append((at, action))

    def until(self, end: float) -> None:
        while self.due and min(at for at, _ in self.due) <= end:
            one = min(self.due, key=lambda due: due[0])
            self.due.remove(one)
            self.clock.now = one[0]
            assert callable(one[1])
            one[1](one[0])
        self.clock.now = end

    def leased(self) -> Lease:
        wait = self.process.lease(self.process.query(PROMPT, frozenset()), self.clock.now)
        assert isinstance(wait, Wait)
        self.until(wait.until + 1.0)
        lease = self.process.lease(self.process.query(PROMPT, frozenset()), self.clock.now)
        assert isinstance(lease, Lease)
        return lease
