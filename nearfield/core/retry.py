"""How long to wait before trying again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential growth with full jitter, so that many callers do not return at once."""

    first: float = 0.2
    factor: float = 2.0
    most: float = 5.0

    def delay(self, attempt: int, rng: random.Random) -> float:
        """Return the pause in seconds before `attempt` (0 is the first retry)."""
        ceiling = min(self.most, self.first * self.factor ** min(attempt, 32))
        return rng.uniform(ceiling / 2, ceiling)
