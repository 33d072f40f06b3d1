"""Predicted time to first token: one piece of arithmetic for client and control plane.

    TTFT = round trip + queue wait + base

The round trip is the client's own measurement where it has one, and geography's
guess otherwise. The base is the node's shortest prefill, learned from its traffic.
"""

from dataclasses import dataclass
from enum import StrEnum

from nearfield.core.geo import Position, expected_round_trip
from nearfield.core.node import NodeLoad

UNKNOWN_ROUND_TRIP = 0.1
"""Seconds assumed with neither an origin nor a measurement; alike for all nodes."""
UNKNOWN_PREFILL_RATE = 2000.0
"""Tokens a second assumed of a node that has not prefilled yet: a small model on a few cores."""
UNKNOWN_SERVICE_SECONDS = 1.0
"""How long a slot is taken for, assumed until answers were seen."""
TYPICAL_ANSWER_TOKENS = 64.0


class RoundTripSource(StrEnum):
    """Where a round trip comes from."""

    MEASURED = "measured"
    GEOGRAPHY = "geography"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Seconds, and where they come from."""

    seconds: float
    source: RoundTripSource


@dataclass(frozen=True, slots=True)
class Prediction:
    """The terms of a predicted TTFT, in seconds."""

    round_trip: RoundTrip
    queue: float
    base: float

    @property
    def ttft(self) -> float:
        """The sum of the terms."""
        return self.round_trip.seconds + self.queue + self.base


def round_trip(origin: Position | None, node: Position, measured: float | None) -> RoundTrip:
    """Choose the best known round trip: measured, else geography, else unknown."""
    if measured is not None:
        return RoundTrip(measured, RoundTripSource.MEASURED)
    if origin is not None:
        return RoundTrip(expected_round_trip(origin, node), RoundTripSource.GEOGRAPHY)
    return RoundTrip(UNKNOWN_ROUND_TRIP, RoundTripSource.UNKNOWN)


def queue_wait(load: NodeLoad) -> float:
    """Return the seconds a new request waits before its own prefill starts.

    Prefills ahead of it run one after another; where all slots are taken, one
    must come free first, and `slots` of them do so in one service time.
    """
    rate = load.prefill_tokens_per_second or UNKNOWN_PREFILL_RATE
    prefills_ahead = load.waiting_prompt_tokens / rate
    beyond_slots = load.running + load.waiting - load.slots + 1
    if beyond_slots <= 0:
        return prefills_ahead
    return prefills_ahead + beyond_slots * _service_seconds(load) / max(1, load.slots)


def predict(trip: RoundTrip, load: NodeLoad) -> Prediction:
    """Join the terms for one node."""
    return Prediction(round_trip=trip, queue=queue_wait(load), base=load.base_seconds)


def _service_seconds(load: NodeLoad) -> float:
    if load.decode_tokens_per_second <= 0:
        return UNKNOWN_SERVICE_SECONDS
    return TYPICAL_ANSWER_TOKENS / load.decode_tokens_per_second
