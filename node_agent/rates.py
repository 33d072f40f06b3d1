"""How fast this node is, learned from its own traffic."""

from node_agent.engine.base import EngineTimings

_WEIGHT = 0.1
"""Of a new observation: about the last twenty requests count."""
_PREFILL_TOKENS_LEAST = 16
"""Shorter prefills are mostly fixed cost, and say nothing of the rate."""


class Rates:
    """Moving averages; 0 until something was seen."""

    def __init__(self) -> None:
        self.prefill_tokens_per_second = 0.0
        self.decode_tokens_per_second = 0.0
        self.base_seconds = 0.0

    def observe(self, prefilled: int, written: int, timings: EngineTimings) -> None:
        """Learn from one finished request: uncached prompt tokens, answer tokens, its spans."""
        if timings.prefill > 0:
            self.base_seconds = min(self.base_seconds or timings.prefill, timings.prefill)
            if prefilled >= _PREFILL_TOKENS_LEAST:
                rate = prefilled / timings.prefill
                self.prefill_tokens_per_second = _mix(self.prefill_tokens_per_second, rate)
        if timings.decode > 0 and written > 1:
            rate = (written - 1) / timings.decode
            self.decode_tokens_per_second = _mix(self.decode_tokens_per_second, rate)


def _mix(average: float, value: float) -> float:
    return value if average == 0 else average + _WEIGHT * (value - average)
