"""The product: its router, and its client's own choice, in virtual time."""

import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from bench.scenarios.policy.node import BYTES_PER_TOKEN, Service
from bench.scenarios.policy.policies.base import Asked, Call, Choice, Fleet, Schedule, Wait
from bench.scenarios.policy.policies.client import Process, Setting, TripTo
from bench.scenarios.policy.policies.plane import MODEL, Plane
from bench.scenarios.policy.prompts import mixed
from nearfield.client.answer import Record
from nearfield.client.attempt import Trip
from nearfield.client.choice import Ranked
from nearfield.client.prompts import Fingerprint
from nearfield.client.sendings import Sending
from nearfield.core.errors import InternalError, NoCandidate
from nearfield.core.inference import (
    Delta,
    Finished,
    FinishReason,
    Provenance,
    Request,
    TextPrompt,
    Timings,
    Usage,
)
from nearfield.core.node import NodeLoad
from nearfield.core.prefix import PrefixKeys

REQUESTS_PER_PROCESS = 1.0
"""A second, of one process that embeds the client; a lease's five candidates have slots for
about three."""
ROUNDS = 2
"""Leases for one request, as the client's walk has it."""
KEY_ID = "bench"
_REQUEST = Request("", MODEL.name, TextPrompt(""))


@dataclass(slots=True)
class _Walk:
    """One request's way: whom to ask next, and the sending that is under way."""

    process: Process
    prompt: Fingerprint
    rounds: int = ROUNDS
    ranked: deque[Ranked] = field(default_factory=deque)
    waited: bool = False
    sending: Sending | None = None


class _Heard:
    """What a client hears of one sending; nothing once it was lost."""

    def __init__(self, walk: _Walk, call: Call, service: Service) -> None:
        if walk.sending is None:
            raise InternalError("a node admitted what nobody sent")
        self.walk, self.call, self.service = walk, call, service
        self.sending, self.node = walk.sending, call.node

    @property
    def lost(self) -> bool:
        """Whether its node failed in the meantime."""
        return self.walk.sending is not self.sending


class Clock:
    """Virtual time for those who take a clock."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Ours:
    """Nothing of a choice is made here: router, knowledge and order are the product's."""

    reserves = False
    reads_reports = True

    def __init__(self, fleet: Fleet, schedule: Schedule, asked: Sequence[Asked], seed: int) -> None:
        self._fleet = fleet
        self._clock = Clock()
        self._push = schedule
        self._seed = seed
        self._plane = Plane(fleet, self._clock, seed)
        self._places = {info.name: place for place, info in enumerate(self._plane.infos)}
        self._processes: dict[tuple[int, int], Process] = {}
        self._many = processes_by_city(asked)
        self._walks: dict[int, _Walk] = {}

    def choose(self, call: Call, now: float) -> Choice | Wait | None:
        """See Policy."""
        self._clock.now = now
        walk = self._walks.get(call.number) or self._begin(call)
        while True:
            while walk.ranked:
                one = walk.ranked.popleft()
                if self._places[one.candidate.node] not in call.tried:
                    return self._send(walk, one, now)
            if not walk.rounds:
                break
            try:
                wait = self._ranked(walk, call, now)
            except NoCandidate:
                break
            if wait is not None:
                return wait
        del self._walks[call.number]
        return None

    def reported(self, place: int, now: float) -> None:
        """See Policy."""
        self._clock.now = now
        self._plane.report(place, now)

    def admitted(self, call: Call, service: Service, now: float) -> None:
        """Have the client hear of admission, first token and end, each half a trip later."""
        heard = _Heard(self._walks[call.number], call, service)
        half = self._trip(call) / 2
        self._plane.note(call.node, call.asked.answered)
        load = self._fleet.nodes[call.node].load(now)
        self._schedule(now + half, partial(self._hear_admission, heard, load))
        self._schedule(service.first + half, partial(self._hear_first, heard))
        self._schedule(service.end, partial(self._end, heard, half))

    def failed(self, call: Call, now: float) -> None:
        """See Policy."""
        self._clock.now = now
        walk = self._walks[call.number]
        name = self._plane.infos[call.node].name
        if walk.sending is not None:
            walk.sending.end()
            walk.sending = None
        if self._fleet.up[call.node]:
            walk.process.links.release(name)
        else:
            walk.process.links.drop(name)
        walk.process.expire(now)

    def changed(self, place: int, now: float) -> None:
        """See Policy."""
        self._clock.now = now
        self._plane.change(place)

    def _begin(self, call: Call) -> _Walk:
        keys = tuple(call.asked.keys)
        prefix = PrefixKeys(KEY_ID, keys) if keys else None
        size = call.asked.arrival.prompt_tokens * BYTES_PER_TOKEN
        walk = _Walk(self._process(call), Fingerprint(size, prefix))
        self._walks[call.number] = walk
        return walk

    def _ranked(self, walk: _Walk, call: Call, now: float) -> Wait | None:
        """Order a lease's candidates for this request, or tell how long there is none."""
        process = walk.process
        failed = frozenset(self._plane.infos[place].name for place in call.tried)
        query = process.query(walk.prompt, failed)
        lease = process.lease(query, now)
        if isinstance(lease, Wait):
            walk.waited = True
            return lease
        ranked = process.knowledge.order(lease.candidates, walk.prompt)
        if not walk.waited:
            walk.waited = True
            early = process.lease_early(query, ranked[0], now)
            if early is not None:
                return early
        walk.rounds -= 1
        walk.waited = False
        walk.ranked.extend(ranked)
        return None

    def _send(self, walk: _Walk, one: Ranked, now: float) -> Choice:
        process, name = walk.process, one.candidate.node
        place = self._places[name]
        warm = process.links.is_warm(name, now)
        trip = process.trip(name)
        process.links.use(name, now, 2 * trip)
        walk.sending = Sending(_REQUEST, one, walk.prompt, process.knowledge, Record())
        return Choice(place, one.prediction.ttft, one.candidate.tier.value, warm)

    def _hear_admission(self, heard: "_Heard", load: NodeLoad, now: float) -> None:
        choice = heard.call.choice
        if heard.lost or choice is None:
            return
        trip = self._trip(heard.call)
        sample = trip if choice.warm else None
        heard.sending.admitted(Trip(choice.warm, trip * choice.trips, sample, load))

    def _hear_first(self, heard: "_Heard", now: float) -> None:
        if heard.lost:
            return
        info, tokens = self._plane.infos[heard.node], heard.call.asked.arrival.prompt_tokens
        cached = heard.service.cached_tokens
        provenance = Provenance(
            info.pop, info.name, info.jurisdiction, MODEL.name, MODEL.digest, tokens, cached
        )
        heard.sending.note(Delta(0, (), "", provenance=provenance))

    def _end(self, heard: "_Heard", half: float, now: float) -> None:
        load = self._fleet.nodes[heard.node].load(now)
        self._schedule(now + half, partial(self._hear_end, heard, load))

    def _hear_end(self, heard: "_Heard", load: NodeLoad, now: float) -> None:
        if heard.lost:
            return
        heard.sending.note(Finished(FinishReason.STOP, Usage(), Timings(), load))
        heard.walk.process.links.release(self._plane.infos[heard.node].name)
        self._walks.pop(heard.call.number, None)

    def _schedule(self, at: float, action: "partial[None]") -> None:
        def run(now: float) -> None:
            self._clock.now = now
            action(now)

        self._push(at, run)

    def _process(self, call: Call) -> Process:
        arrival = call.asked.arrival
        drawn = mixed(call.number if arrival.conversation is None else arrival.conversation)
        key = arrival.city, drawn % self._many[arrival.city]
        if key not in self._processes:
            self._processes[key] = self._start(*key)
        return self._processes[key]

    def _start(self, city: int, number: int) -> Process:
        row = self._fleet.distances.row(city).tolist()
        setting = Setting(
            self._fleet.world.cities[city].position,
            f"10.{city >> 8 & 255}.{city & 255}.{number % 256}",
            self._plane,
            self._clock,
            lambda at, action: self._schedule(at, partial(action)),
            TripTo(self._places, row),
        )
        return Process(setting, random.Random(f"{self._seed}.{city}.{number}"))

    def _trip(self, call: Call) -> float:
        return float(self._fleet.distances.row(call.city)[call.node])


def processes_by_city(asked: Sequence[Asked]) -> dict[int, int]:
    """Return how many processes ask in each city: one at least."""
    requests = Counter(one.arrival.city for one in asked)
    seconds = max(1.0, asked[-1].arrival.at - asked[0].arrival.at) if asked else 1.0
    return {
        city: max(1, round(number / seconds / REQUESTS_PER_PROCESS))
        for city, number in requests.items()
    }
