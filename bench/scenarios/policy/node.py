"""One node in virtual time: slots, a queue, prefills in turn, and a cache of prefixes.

All is decided when a request is admitted, as those before it cannot be overtaken: when it
starts, when its first token comes and when its answer ends.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.scenarios.policy.cache import PrefixCache
from bench.scenarios.policy.prompts import KEY_TOKENS, Arrival
from nearfield.core.node import NodeLoad, NodeState
from nearfield.core.prediction import Prompt
from node_agent.admission.gate import Patience, refusal
from node_agent.rates import Observation, Rates

QUEUE_PER_SLOT = 1
"""Requests that may wait for each slot."""
BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of hardware; rates are tokens a second of one request.

    Of a first token's time, `base` is spent beside other prefills.

    Decoding slows evenly from `decode_alone` to `decode_full` as the slots fill. The cache
    holds `cache_blocks` of 64 tokens.
    """

    name: str
    slots: int
    prefill: float
    decode_alone: float
    decode_full: float
    cache_blocks: int
    base: float = 0.02

    def decode(self, running: int) -> float:
        """Return the rate with so many requests at once."""
        share = (running - 1) / max(1, self.slots - 1)
        return self.decode_alone + (self.decode_full - self.decode_alone) * min(1.0, share)

    def service_seconds(self, uncached_tokens: int, answer_tokens: int, load: float) -> float:
        """Return how long a slot is held with a share `load` of the slots taken."""
        # Beside itself, a request finds this share of the other slots taken.
        decode = self.decode_alone + (self.decode_full - self.decode_alone) * min(1.0, load)
        return self.base + uncached_tokens / self.prefill + (answer_tokens - 1) / decode


class Service(NamedTuple):
    """What becomes of an admitted request; moments in seconds from the start."""

    arrived: float
    start: float
    first: float
    end: float
    cached_tokens: int


class Refusal(NamedTuple):
    """That a node does not take a request; `wait` is what it predicts where only the request's
    own budget is short, in seconds."""

    wait: float | None = None


class _Ending(NamedTuple):
    end: float
    number: int
    seen: Observation
    answered: Sequence[int]


class Node:
    """Takes requests in the order in which they arrive."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.up = True
        self.admitted = 0
        self.rates = Rates()
        self.cache = PrefixCache(kind.cache_blocks)
        self.prefill_free = 0.0
        self._slots: list[float] = []
        self._endings: list[_Ending] = []
        self._waiting: deque[tuple[float, int]] = deque()
        self._waiting_tokens = 0

    @property
    def slot_free(self) -> float:
        """The moment from which a new request has a slot; 0 while one was never taken."""
        return self._slots[0] if len(self._slots) == self.kind.slots else 0.0

    @property
    def takes(self) -> int:
        """Requests that may be here at once."""
        return self.kind.slots * (1 + QUEUE_PER_SLOT)

    def in_flight(self, now: float) -> int:
        """Return the requests that have not ended."""
        self.advance(now)
        return len(self._endings)

    def admit(
        self,
        now: float,
        keys: Sequence[int],
        prompt_tokens: int,
        answer_tokens: int,
        answered: Sequence[int] = (),
        budget: float | None = None,
    ) -> Service | Refusal:
        """Take a request, unless the gate refuses it.

        `answered` are the keys that are resident once the answer is; `budget` is how many
        seconds the first token may take here.
        """
        if self.refuses(now):
            return Refusal()
        cached = min(self.cache.leading(keys) * KEY_TOKENS, prompt_tokens - 1)
        if budget is not None:
            refused = self._too_late(now, budget, Prompt(prompt_tokens * BYTES_PER_TOKEN, cached))
            if refused is not None:
                return refused
        start, first = self._schedule(now, prompt_tokens - cached)
        # Counted as those that hold a slot at the first token; the rate then stays.
        running = 1 + sum(end > first for end in self._slots)
        decode = self.kind.decode(min(running, self.kind.slots))
        service = Service(now, start, first, first + (answer_tokens - 1) / decode, cached)
        self.prefill_free = first - self.kind.base
        heapq.heappush(self._slots, service.end)
        self.cache.store(keys)
        self._note(service, prompt_tokens, answer_tokens, answered)
        return service

    def foretell(self, now: float, uncached_tokens: int) -> float:
        """Return when the first token of a request that arrives now would come."""
        start = max(now, self.slot_free, self.prefill_free)
        return start + self.kind.base + uncached_tokens / self.kind.prefill

    def refuses(self, now: float) -> bool:
        """Whether the gate would turn any request away now."""
        return not self.up or self.in_flight(now) >= self.takes

    def _too_late(self, now: float, budget: float, prompt: Prompt) -> Refusal | None:
        queue = self.kind.slots * QUEUE_PER_SLOT
        patience = Patience(first_token=budget)
        refused = refusal(NodeState.READY, "", self.load(now), queue, patience, prompt)
        return None if refused is None else Refusal(refused.retry_after)

    def load(self, now: float) -> NodeLoad:
        """Return what the node would report now, of its learned view."""
        self.advance(now)
        rates, waiting = self.rates, len(self._waiting)
        return NodeLoad(
            running=len(self._endings) - waiting,
            waiting=waiting,
            waiting_prompt_tokens=self._waiting_tokens,
            slots=self.kind.slots,
            prefill_tokens_per_second=rates.prefill_tokens_per_second,
            decode_tokens_per_second=rates.decode_tokens_per_second,
            base_seconds=rates.base_seconds,
            bytes_per_token=rates.bytes_per_token,
            service_seconds=rates.service_seconds,
        )

    def advance(self, now: float) -> None:
        """Let pass what has happened by now."""
        while self._waiting and self._waiting[0][0] <= now:
            self._waiting_tokens -= self._waiting.popleft()[1]
        while self._endings and self._endings[0].end <= now:
            ending = heapq.heappop(self._endings)
            self.rates.observe(ending.seen)
            self.cache.store(ending.answered)

    def fail(self) -> None:
        """Lose all that is here; the node is away until it is `restarted`."""
        self.up = False
        self._slots.clear()
        self._endings.clear()
        self._waiting.clear()
        self._waiting_tokens = 0
        self.prefill_free = 0.0
        self.cache.clear()

    def restart(self) -> None:
        """Come back with nothing but what was learned of the hardware."""
        self.up = True

    def occupy(self, end: float, seen: Observation) -> None:
        """Have a request under way from before the run that holds a slot until `end`."""
        self.admitted += 1
        heapq.heappush(self._slots, end)
        heapq.heappush(self._endings, _Ending(end, self.admitted, seen, ()))

    def _schedule(self, now: float, uncached_tokens: int) -> tuple[float, float]:
        start = now
        if len(self._slots) == self.kind.slots:
            start = max(now, heapq.heappop(self._slots))
        prefill = max(start, self.prefill_free)
        return start, prefill + self.kind.base + uncached_tokens / self.kind.prefill

    def _note(
        self, service: Service, prompt_tokens: int, answer_tokens: int, answered: Sequence[int]
    ) -> None:
        self.admitted += 1
        self._waiting.append((service.first, prompt_tokens))
        self._waiting_tokens += prompt_tokens
        seen = Observation(
            prompt_bytes=prompt_tokens * BYTES_PER_TOKEN,
            prompt_tokens=prompt_tokens,
            cached_tokens=service.cached_tokens,
            written=answer_tokens,
            first_token=service.first - service.start,
            decode=service.end - service.first,
            held=service.end - service.start,
        )
        heapq.heappush(self._endings, _Ending(service.end, self.admitted, seen, answered))


def observed(kind: Kind, one: Arrival, load: float) -> Observation:
    """Return how such a request goes at a node with a share `load` of its slots taken."""
    first = kind.base + one.prompt_tokens / kind.prefill
    held = kind.service_seconds(one.prompt_tokens, one.answer_tokens, load)
    return Observation(
        prompt_bytes=one.prompt_tokens * BYTES_PER_TOKEN,
        prompt_tokens=one.prompt_tokens,
        cached_tokens=0,
        written=one.answer_tokens,
        first_token=first,
        decode=held - first,
        held=held,
    )
