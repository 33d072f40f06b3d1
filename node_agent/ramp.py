"""A slow start: how much of its slots a node takes work for while it is still cold."""

from nearfield.core.clock import Clock, monotonic

RAMP_SECONDS = 10.0
"""From the first request to full weight: a few dozen requests, which warm what was not declared."""
RAMP_LEAST = 0.1


class Ramp:
    """Rises from a tenth to all, from `start` on."""

    def __init__(self, clock: Clock = monotonic, seconds: float = RAMP_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._started: float | None = None

    def start(self) -> None:
        """Begin to rise; only the first call counts."""
        if self._started is None:
            self._started = self._clock()

    @property
    def share(self) -> float:
        """0.1 to 1."""
        if self._started is None or self._seconds <= 0:
            return 1.0
        passed = (self._clock() - self._started) / self._seconds
        return min(1.0, RAMP_LEAST + (1.0 - RAMP_LEAST) * max(0.0, passed))
