"""What nobody can do: choose by the true state of everything, and what even that cannot beat."""

import math
from collections.abc import Sequence

import numpy as np

from bench.scenarios.policy.fleet import KINDS, Floats
from bench.scenarios.policy.node import Service
from bench.scenarios.policy.policies.base import Asked, Call, Choice, Fleet, Plain
from bench.scenarios.policy.prompts import KEY_TOKENS

FEW = 64
"""Holders of a prompt's start that are looked at one by one."""


class Clairvoyant(Plain):
    """The soonest first token by true round trips, queues and caches; one decision at a time.

    It is greedy: a request takes the best place there is, whatever the next one would need.
    """

    reserves = True

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._holders: dict[int, set[int]] = {}

    def choose(self, call: Call, now: float) -> Choice | None:
        """Return the node whose first token would arrive soonest."""
        asked, fleet = call.asked, self._fleet
        trips = fleet.distances.row(call.city)
        # The least it can be: all of the prompt cached but its last token.
        starts = np.maximum(now + trips / 2, fleet.free) + trips / 2 + fleet.base - now
        ends = starts + asked.arrival.prompt_tokens / fleet.prefill
        if call.tried:
            starts[list(call.tried)] = ends[list(call.tried)] = math.inf
        while True:
            place, soonest = self._best(asked, starts, ends)
            if soonest == math.inf:
                return None
            arrives = now + float(trips[place]) / 2
            if not fleet.nodes[place].refuses(arrives):
                return Choice(place, soonest)
            starts[place] = ends[place] = math.inf

    def admitted(self, call: Call, service: Service, now: float) -> None:
        """Remember who was given a prompt that starts so."""
        if call.asked.keys:
            self._holders.setdefault(call.asked.keys[0], set()).add(call.node)

    def _best(self, asked: Asked, starts: Floats, ends: Floats) -> tuple[int, float]:
        """Return the best place and its seconds to a first token.

        `starts` and `ends` bound these from below and above, with all and nothing cached.
        """
        place = int(ends.argmin())
        soonest = float(ends[place])
        for other in self._hopeful(asked.keys, starts, soonest):
            if starts[other] >= soonest:
                break
            seconds = float(starts[other]) + self._prefill(asked, other)
            if seconds < soonest:
                place, soonest = other, seconds
        return place, soonest

    def _hopeful(self, keys: Sequence[int], starts: Floats, soonest: float) -> list[int]:
        """Return those that a cached start could make the best, most hopeful first."""
        holders = self._holders.get(keys[0]) if keys else None
        if not holders:
            return []
        if len(holders) <= FEW:
            return sorted(holders, key=starts.__getitem__)
        hopeful = np.flatnonzero(starts < soonest)
        ordered = hopeful[starts[hopeful].argsort(kind="stable")].tolist()
        return [place for place in ordered if place in holders]

    def _prefill(self, asked: Asked, place: int) -> float:
        node = self._fleet.nodes[place]
        tokens = asked.arrival.prompt_tokens
        cached = min(node.cache.leading(asked.keys) * KEY_TOKENS, tokens - 1)
        return (tokens - cached) / node.kind.prefill


class Bound:
    """No policy can be sooner: the shortest round trip there is, the fastest node, no queue,
    and cached all that anybody ever sent before."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._fastest = max(kind.prefill for _, kind in KINDS)
        self._least_base = min(kind.base for _, kind in KINDS)
        self._seen: set[int] = set()

    def seconds(self, asked: Asked) -> float:
        """Return the least time to a first token; call it in order of arrival."""
        tokens, keys = asked.arrival.prompt_tokens, asked.keys
        known = next((n for n in range(len(keys), 0, -1) if keys[n - 1] in self._seen), 0)
        self._seen.update(asked.answered)
        uncached = tokens - min(known * KEY_TOKENS, tokens - 1)
        trip = float(self._fleet.distances.row(asked.arrival.city).min())
        return trip + self._least_base + uncached / self._fastest
