"""Plays arrivals against one policy: events in order of virtual time."""

import heapq
import math
import random
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from bench.scenarios.policy.demand import Event
from bench.scenarios.policy.node import Refusal, Service
from bench.scenarios.policy.policies.base import Asked, Call, Choice, Fleet, Policy, Wait

ATTEMPTS_MOST = 10
REPORT_SECONDS = 1.0
_Action = Callable[[float], None]


class Result(NamedTuple):
    """How a request ended; times in seconds, NaN where there was none.

    `predicted` and `actual` count from the last sending, `ttft` from when it was meant.
    """

    number: int
    at: float
    city: int
    node: int
    ttft: float
    round_trip: float
    queue: float
    prefill: float
    predicted: float
    actual: float
    prompt_tokens: int
    cached_tokens: int
    tpot: float
    attempts: int
    tier: str

    @property
    def answered(self) -> bool:
        """Whether a first token came."""
        return not math.isnan(self.ttft)


class Simulation:
    """One run. Each arrival ends once, answered or turned away."""

    def __init__(self, fleet: Fleet, outage: Event | None = None, seed: int = 1) -> None:
        self._fleet = fleet
        self._outage = outage
        self._events: list[tuple[float, int, _Action]] = []
        self._pushed = 0
        self._open = 0
        self._results: list[Result] = []
        self._struck = self._who_is_struck()
        phases = random.Random(f"reports.{seed}")
        self._reports = sorted((phases.random(), place) for place in range(len(fleet.nodes)))
        self._policy: Policy

    def schedule(self, at: float, action: _Action) -> None:
        """Have something done at a moment that is not past."""
        self._pushed += 1
        heapq.heappush(self._events, (at, self._pushed, action))

    def run(self, policy: Policy, asked: Iterable[Asked]) -> list[Result]:
        """Play all arrivals, in order of time, to their ends; results in order of ending."""
        self._policy = policy
        if self._outage is not None:
            self.schedule(self._outage.start, self._fail)
            self.schedule(self._outage.end, self._restart)
        reports = self._report_times() if policy.reads_reports else iter(())
        due = next(reports, None)
        calls = (Call(number, one) for number, one in enumerate(asked))
        call = next(calls, None)
        while call is not None or self._open:
            starts = call.asked.arrival.at if call else math.inf
            at = min(starts, self._events[0][0]) if self._events else starts
            while due is not None and due[0] <= at:
                if self._fleet.up[due[1]]:
                    policy.reported(due[1], due[0])
                due = next(reports, None)
            if call is not None and starts <= at:
                self._open += 1
                self._ask(call, at)
                call = next(calls, None)
            else:
                now, _, action = heapq.heappop(self._events)
                action(now)
        return self._results

    def _report_times(self) -> Iterator[tuple[float, int]]:
        second = 0
        while True:
            for phase, place in self._reports:
                yield REPORT_SECONDS * (second + phase), place
            second += 1

    def _ask(self, call: Call, now: float) -> None:
        choice = self._policy.choose(call, now) if call.attempts < ATTEMPTS_MOST else None
        if choice is None:
            self._end(call, None, now)
        elif isinstance(choice, Wait):
            self.schedule(choice.until, lambda at: self._ask(call, at))
        else:
            self._send(call, choice, now)

    def _send(self, call: Call, choice: Choice, now: float) -> None:
        call.node, call.sent, call.choice = choice.node, now, choice
        call.attempts += 1
        arrives = now + self._trip(call) * (choice.trips - 0.5)
        if self._policy.reserves:
            self._arrive(call, arrives)
        else:
            self.schedule(arrives, lambda at: self._arrive(call, at))

    def _arrive(self, call: Call, now: float) -> None:
        arrival, (_, keys, answered) = call.asked.arrival, call.asked
        node = self._fleet.nodes[call.node]
        budget = call.choice.budget if call.choice else None
        service = node.admit(
            now, keys, arrival.prompt_tokens, arrival.answer_tokens, answered, budget
        )
        if isinstance(service, Refusal):
            call.wait = service.wait
            self.schedule(now + self._trip(call) / 2, lambda at: self._go_on(call, at))
            return
        self._fleet.note(call.node)
        self._policy.admitted(call, service, now)
        lost_at = self._outage.start if self._outage and call.node in self._struck else math.inf
        if now < lost_at <= service.first:
            call.wait = None
            self.schedule(lost_at + self._trip(call) / 2, lambda at: self._go_on(call, at))
        else:
            self._end(call, service, now)

    def _go_on(self, call: Call, now: float) -> None:
        self._policy.failed(call, now)
        call.tried.add(call.node)
        self._ask(call, now)

    def _end(self, call: Call, service: Service | None, now: float) -> None:
        self._open -= 1
        arrival, choice = call.asked.arrival, call.choice
        trip = self._trip(call) if choice else math.nan
        came = service.first + trip / 2 if service else math.nan
        self._results.append(
            Result(
                call.number,
                arrival.at,
                arrival.city,
                call.node,
                came - arrival.at,
                trip,
                service.start - service.arrived if service else math.nan,
                service.first - service.start if service else math.nan,
                choice.predicted if choice else math.nan,
                came - call.sent,
                arrival.prompt_tokens,
                service.cached_tokens if service else 0,
                _tpot(service, arrival.answer_tokens),
                call.attempts,
                choice.tier if choice else "",
            )
        )

    def _trip(self, call: Call) -> float:
        return float(self._fleet.distances.row(call.city)[call.node])

    def _who_is_struck(self) -> frozenset[int]:
        if self._outage is None:
            return frozenset()
        sites = self._fleet.world.sites
        holds = self._outage.region.holds
        return frozenset(place for place, site in enumerate(sites) if holds(site.position))

    def _fail(self, now: float) -> None:
        for place in sorted(self._struck):
            self._fleet.fail(place)
            self._policy.changed(place, now)

    def _restart(self, now: float) -> None:
        for place in sorted(self._struck):
            self._fleet.restart(place)
            self._policy.changed(place, now)


def _tpot(service: Service | None, answer_tokens: int) -> float:
    if service is None or answer_tokens < 2:
        return math.nan
    return (service.end - service.first) / (answer_tokens - 1)
