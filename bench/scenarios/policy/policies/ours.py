"""The product: its router, and its client's own choice, in virtual time."""

import random
from collections import Counter
from collections.abc import Sequence
from functools import partial

from bench.scenarios.policy.node import BYTES_PER_TOKEN, Service
from bench.scenarios.policy.policies.base import Asked, Call, Choice, Fleet, Schedule, Wait
from bench.scenarios.policy.policies.client import Process, Setting, TripTo
from bench.scenarios.policy.policies.plane import MODEL, Plane
from bench.scenarios.policy.policies.walk import Step, Walk
from bench.scenarios.policy.prompts import mixed
from nearfield.client.answer import Record
from nearfield.client.attempt import Trip
from nearfield.client.prompts import Fingerprint
from nearfield.client.sendings import Sending
from nearfield.core.errors import InternalError
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
from nearfield.core.prediction import HANDSHAKES
from nearfield.core.prefix import PrefixKeys

REQUESTS_PER_PROCESS = 1.0
"""A second, of one process that embeds the client; a lease's five candidates have slots for
about twelve."""
KEY_ID = "bench"
_REQUEST = Request("", MODEL.name, TextPrompt(""))


class _Heard:
    """What a client hears of one sending; nothing once it was lost."""

    def __init__(self, walk: Walk, call: Call, service: Service) -> None:
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
        self._walks: dict[int, Walk] = {}

    def choose(self, call: Call, now: float) -> Choice | Wait | None:
        """See Policy."""
        self._clock.now = now
        walk = self._walks.get(call.number) or self._begin(call)
        step = walk.next(now)
        if step is None:
            del self._walks[call.number]
            return None
        return step if isinstance(step, Wait) else self._send(walk, step, now)

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
        walk, name = self._walks[call.number], self._plane.infos[call.node].name
        if self._fleet.up[call.node]:
            walk.process.links.release(name)
        else:
            walk.process.links.drop(name)
        if call.wait is not None:
            walk.declined(call.wait)
        else:
            walk.failed()
            walk.process.expire(now)

    def changed(self, place: int, now: float) -> None:
        """See Policy."""
        self._clock.now = now
        self._plane.change(place)

    def _begin(self, call: Call) -> Walk:
        keys = tuple(call.asked.keys)
        prefix = PrefixKeys(KEY_ID, keys) if keys else None
        size = call.asked.arrival.prompt_tokens * BYTES_PER_TOKEN
        walk = Walk(self._process(call), Fingerprint(size, prefix))
        self._walks[call.number] = walk
        return walk

    def _send(self, walk: Walk, step: Step, now: float) -> Choice:
        process, one = walk.process, step.ranked
        name = one.candidate.node
        warm = process.links.is_warm(name, now)
        process.links.use(name, now, HANDSHAKES * process.trip(name))
        walk.sending = Sending(_REQUEST, one, walk.prompt, process.knowledge, Record())
        tier = one.candidate.tier.value
        return Choice(self._places[name], one.prediction.ttft, tier, warm, step.budget)

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
