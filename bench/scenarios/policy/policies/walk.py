"""One request's way over its candidates as the product's client goes it, in virtual time."""

from collections import deque
from enum import IntEnum, auto
from typing import NamedTuple

from bench.scenarios.policy.policies.base import Wait
from bench.scenarios.policy.policies.client import Process
from nearfield.client.budget import (
    DECLINES_MOST,
    Declined,
    first_budgets,
    later_budgets,
    soonest_first,
)
from nearfield.client.choice import Ranked
from nearfield.client.prompts import Fingerprint
from nearfield.client.sendings import Sending
from nearfield.core.errors import NoCandidate
from nearfield.core.route import RouteQuery


class Round(IntEnum):
    """The lease at hand, a new one without who failed or declined, and then who declined."""

    FIRST = auto()
    SECOND = auto()
    LAST = auto()


class Step(NamedTuple):
    """A candidate to be asked, and the seconds it may take."""

    ranked: Ranked
    budget: float | None


class Walk:
    """Says whom to ask next; told by `declined` and `failed` what came of it.

    `sending` is the one that is under way.
    """

    def __init__(self, process: Process, prompt: Fingerprint) -> None:
        self.process = process
        self.prompt = prompt
        self.sending: Sending | None = None
        self._round = Round.FIRST
        self._steps: deque[Step] = deque()
        self._filling = True
        self._waited = False
        self._declines = 0
        self._declined: dict[str, Declined] = {}
        self._failed: set[str] = set()

    def next(self, now: float) -> Step | Wait | None:
        """Return whom to ask, a wait for a lease, or None where nobody is left."""
        while True:
            if self._filling:
                wait = self._fill(now)
                if wait is not None:
                    return wait
                self._filling = False
            if self._steps and self._declines < DECLINES_MOST:
                return self._steps.popleft()
            if self._declines:
                self.process.expire(now)
            if self._round is Round.LAST:
                return None
            self._round = Round(self._round + 1)
            self._declines, self._filling, self._waited = 0, True, False

    def declined(self, wait: float) -> None:
        """Take up that the node asked would take so many seconds more."""
        if self.sending is not None:
            one = self.sending.candidate
            self._declined[one.node] = Declined(one, self.sending.declined(wait))
            self._declines += 1
        self._let_go()

    def failed(self) -> None:
        """Take up that the node asked cannot take it at all."""
        if self.sending is not None:
            self._failed.add(self.sending.candidate.node)
        self._let_go()

    def _let_go(self) -> None:
        if self.sending is not None:
            self.sending.end()
            self.sending = None

    def _fill(self, now: float) -> Wait | None:
        """Order a round's candidates, or tell how long there are none."""
        if self._round is Round.LAST:
            self._fill_again(now)
            return None
        query = self.process.query(self.prompt, self._out)
        try:
            found = self._candidates(query, now)
        except NoCandidate:
            found = []
        if isinstance(found, Wait):
            return found
        ranked = [one for one in found if one.candidate.node not in self._out]
        if self._round is Round.FIRST:
            budgets = first_budgets(ranked, self.process.route_seconds)
        else:
            budgets = later_budgets(ranked, self._declined.values())
        self._steps = deque(map(Step, ranked, budgets))
        return None

    def _candidates(self, query: RouteQuery, now: float) -> list[Ranked] | Wait:
        process = self.process
        lease = process.lease(query, now)
        if isinstance(lease, Wait):
            self._waited = True
            return lease
        ranked = process.order(lease.candidates, self.prompt, now)
        if not self._waited:
            self._waited = True
            early = process.lease_early(query, ranked[0], now)
            if early is not None:
                return early
        elif self._declined:
            process.refresh(now)
        return ranked

    def _fill_again(self, now: float) -> None:
        left = [one for node, one in self._declined.items() if node not in self._failed]
        self._steps = deque(
            Step(self.process.order([one.candidate], self.prompt, now)[0], None)
            for one in soonest_first(left)
        )

    @property
    def _out(self) -> frozenset[str]:
        return frozenset(self._failed).union(self._declined)
