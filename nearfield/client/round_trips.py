"""Round trips as this client measured them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median_high, median_low

from nearfield.client.recent import Recent
from nearfield.core.clock import Clock, monotonic
from nearfield.core.prediction import RoundTrip, RoundTripSource

NODES_MOST = 256
SECONDS_MOST = 60.0
"""What the control plane takes for a round trip at all."""
SAMPLE_BYTES_MOST = 14_600
"""A prompt within TCP's first window of ten segments (RFC 6928); a longer one may take
another round trip to arrive, and the node longer to read."""
SAMPLES_KEPT = 8
"""A lasting change is taken up after five samples, as an average with RFC 6298's weight of 1/8
would half take it up; a stall of one end, many times a round trip, is not."""


@dataclass(slots=True)
class _Estimate:
    taken: float
    samples: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))

    @property
    def trip(self) -> RoundTrip:
        if len(self.samples) == 1:
            return RoundTrip(self.samples[0], RoundTripSource.MEASURED, self.samples[0] / 2)
        middle = median_low(self.samples)
        off = median_high(abs(one - middle) for one in self.samples)
        return RoundTrip(middle, RoundTripSource.MEASURED, off)


class RoundTrips:
    """Medians of the last samples and of how far those are off, of the nodes measured last."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._known: Recent[str, _Estimate] = Recent(NODES_MOST)

    def observe(self, node: str, seconds: float) -> None:
        """Take one measurement, made on a warm connection and undisturbed by other traffic."""
        if not 0 <= seconds <= SECONDS_MOST:
            return
        known = self._known.get(node) or _Estimate(0.0)
        known.samples.append(seconds)
        known.taken = self._clock()
        self._known.put(node, known)

    def get(self, node: str) -> RoundTrip | None:
        """Return one node's, or None where it was not measured."""
        known = self._known.get(node)
        return None if known is None else known.trip

    def age(self, node: str) -> float:
        """Return the seconds since the last measurement; infinite where there is none."""
        known = self._known.get(node)
        return float("inf") if known is None else self._clock() - known.taken

    def snapshot(self) -> Mapping[str, RoundTrip]:
        """Return all, to be handed to the control plane."""
        return {node: one.trip for node, one in self._known.items()}
