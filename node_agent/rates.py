"""How fast this node is, learned from its own traffic."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, combinations
from statistics import median

_WEIGHT = 0.1
"""Of a new observation: about the last twenty requests count."""
_KEPT = 32
"""Prefills that the line goes through; with as many a fit takes a quarter of a millisecond."""
_FIT_EVERY = 8
"""Prefills, once the line goes through enough of them: the fit would else be a twentieth of what
a busy node's front end does."""
_RATE_MOST = 1_000_000.0
"""Tokens a second where prompts of all lengths take the same time."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One finished request: `first_token` is seconds without any wait for a slot, `held` how
    long it held its slot, `decode` the seconds from the first token to the last."""

    prompt_bytes: int
    prompt_tokens: int
    cached_tokens: int
    written: int
    first_token: float
    decode: float
    held: float


class Rates:
    """Moving averages; 0 until something was seen.

    Time to a first token is taken as a line over the uncached tokens: `base_seconds` where
    it starts, `1 / prefill_tokens_per_second` how it rises. It is the middle one of the lines
    through each two of the last prefills: a host that stalls now and then has no mean worth
    predicting from.
    """

    def __init__(self) -> None:
        self.prefill_tokens_per_second = 0.0
        self.decode_tokens_per_second = 0.0
        self.base_seconds = 0.0
        self.bytes_per_token = 0.0
        self.service_seconds = 0.0
        self._prefills: deque[tuple[int, float]] = deque(maxlen=_KEPT)
        self._since_fit = 0

    def begin_with(self, prefills: Iterable[tuple[int, float]]) -> None:
        """Take the engine's warm-up, as tokens and seconds, for a first idea of the prefill."""
        for tokens, seconds in prefills:
            self._learn_prefill(tokens, seconds)

    def observe(self, seen: Observation) -> None:
        """Learn from one finished request."""
        if seen.first_token > 0:
            self._learn_prefill(seen.prompt_tokens - seen.cached_tokens, seen.first_token)
        if seen.decode > 0 and seen.written > 1:
            rate = (seen.written - 1) / seen.decode
            self.decode_tokens_per_second = _mix(self.decode_tokens_per_second, rate)
        if seen.prompt_bytes > 0 and seen.prompt_tokens > 0:
            size = seen.prompt_bytes / seen.prompt_tokens
            self.bytes_per_token = _mix(self.bytes_per_token, size)
        self.service_seconds = _mix(self.service_seconds, seen.held)

    def _learn_prefill(self, tokens: int, seconds: float) -> None:
        self._prefills.append((max(0, tokens), seconds))
        self._since_fit += 1
        if len(self._prefills) == _KEPT and self._since_fit < _FIT_EVERY:
            return
        self._since_fit = 0
        self.base_seconds, slope = _fit(self._prefills)
        rate = 1.0 / slope if slope > 1.0 / _RATE_MOST else _RATE_MOST
        self.prefill_tokens_per_second = rate


def _fit(points: Iterable[tuple[int, float]]) -> tuple[float, float]:
    """Return (start, slope), neither below 0; one length of prompt alone tells no slope.

    Slopes weigh as much as their prompts differ (Sen 1968, weights of Jaeckel 1972): between
    two of almost one length there is nothing but noise.
    """
    seen = list(points)
    rises = [
        ((later - sooner) / (more - less), more - less)
        for (less, sooner), (more, later) in combinations(sorted(seen), 2)
        if more > less
    ]
    slope = max(0.0, _middle(rises)) if rises else 0.0
    start = median(seconds - slope * tokens for tokens, seconds in seen)
    if start >= 0:
        return start, slope
    # The line would start below zero.
    return 0.0, median(seconds / tokens for tokens, seconds in seen if tokens)


def _middle(weighted: Iterable[tuple[float, int]]) -> float:
    """Return the value with half the weight on either side."""
    ordered = sorted(weighted)
    half = sum(weight for _, weight in ordered) / 2
    passed = accumulate(weight for _, weight in ordered)
    return next(value for (value, _), sum_ in zip(ordered, passed, strict=True) if sum_ >= half)


def _mix(average: float, value: float) -> float:
    return value if average == 0 else average + _WEIGHT * (value - average)
