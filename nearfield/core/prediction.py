"""Predicted time to first token: one piece of arithmetic for client and control plane.

    TTFT = connect + round trip + queue wait + base + uncached tokens / prefill rate

The round trip is the client's own measurement where it has one, then what others of its
network measured, then geography's guess. All else is learned by the node from its own
traffic, so that unlike hardware calibrates itself. The client knows bytes, not tokens:
the node says how many bytes of a prompt make a token.
"""

import math
from enum import StrEnum
from typing import NamedTuple

from nearfield.core.geo import Position, expected_round_trip
from nearfield.core.node import NodeLoad

UNKNOWN_ROUND_TRIP = 0.1
"""Seconds assumed with neither an origin nor a measurement; alike for all nodes."""
UNKNOWN_PREFILL_RATE = 2000.0
"""Tokens a second assumed of a node that has not prefilled yet: a small model on a few cores."""
UNKNOWN_SERVICE_SECONDS = 1.0
"""How long a slot is taken for, assumed until answers were seen."""
UNKNOWN_BYTES_PER_TOKEN = 4.0
"""English text through the usual vocabularies."""
HANDSHAKES = 3
"""Round trips before a request can leave on a new connection: TCP's, TLS 1.3's, and gRPC's wait
for the server's HTTP/2 settings."""
GUESS_SPREAD = 0.25
"""Of a round trip that was not measured: paths of equal length differ by that much."""
DRIFT_PER_SECOND = 0.1
"""By how much of itself a node's share may be off for each second that a report is old."""


class RoundTripSource(StrEnum):
    """Where a round trip comes from."""

    MEASURED = "measured"
    NETWORK = "network"
    GEOGRAPHY = "geography"
    UNKNOWN = "unknown"


class RoundTrip(NamedTuple):
    """Seconds, where they come from, and how far one usually is from them."""

    seconds: float
    source: RoundTripSource
    spread: float = 0.0


UNKNOWN_TRIP = RoundTrip(UNKNOWN_ROUND_TRIP, RoundTripSource.UNKNOWN, UNKNOWN_ROUND_TRIP)


class Prompt(NamedTuple):
    """What of a prompt bears on its prefill: its bytes, and its tokens resident at the node."""

    size: int = 0
    resident_tokens: int = 0


NO_PROMPT = Prompt()


class Prediction(NamedTuple):
    """The terms of a predicted TTFT, in seconds.

    `spread` is how far off it may be; `penalty` counts for the rank alone, as no time passes.
    """

    round_trip: RoundTrip
    queue: float
    base: float
    prefill: float = 0.0
    connect: float = 0.0
    spread: float = 0.0
    penalty: float = 0.0

    @property
    def ttft(self) -> float:
        """The sum of the terms."""
        return self.connect + self.round_trip.seconds + self.queue + self.base + self.prefill

    @property
    def rank(self) -> float:
        """What candidates are ordered by."""
        return self.ttft + self.penalty


def round_trip(
    origin: Position | None,
    node: Position,
    measured: RoundTrip | None = None,
    learned: RoundTrip | None = None,
) -> RoundTrip:
    """Choose the best known round trip: measured, else learned, else geography, else unknown."""
    if measured is not None:
        return measured
    if learned is not None:
        return learned
    return guessed(expected_round_trip(origin, node)) if origin is not None else UNKNOWN_TRIP


def guessed(seconds: float) -> RoundTrip:
    """Return the round trip that geography suggests."""
    return RoundTrip(seconds, RoundTripSource.GEOGRAPHY, seconds * GUESS_SPREAD)


def queue_wait(load: NodeLoad, routed: float = 0.0) -> float:
    """Return the seconds a new request waits before its own prefill starts.

    Prefills ahead of it run one after another; where all slots are taken, one must come
    free first, and `slots` of them do so in one service time. `routed` is the number of
    requests that were sent there since the load was read.
    """
    slots = max(1.0, load.slots * load.ramp)
    ahead = load.waiting_prompt_tokens / prefill_rate(load) + routed * load.base_seconds
    beyond_slots = load.running + load.waiting + routed - slots + 1
    if beyond_slots <= 0:
        return ahead
    return ahead + beyond_slots * (load.service_seconds or UNKNOWN_SERVICE_SECONDS) / slots


def faded(wait: float, load: NodeLoad, age: float) -> float:
    """Return what is left of a wait that was seen `age` seconds ago.

    Those who were ahead leave within a service time. Who takes their places is not known: to
    ask a node that is full after all costs one round trip, to pass by one that is not the
    whole way to the next.
    """
    return wait * math.exp(-age / (load.service_seconds or UNKNOWN_SERVICE_SECONDS))


def prefill_rate(load: NodeLoad) -> float:
    """Return tokens a second, as learned or assumed."""
    return load.prefill_tokens_per_second or UNKNOWN_PREFILL_RATE


def seconds_per_byte(load: NodeLoad) -> float:
    """Return the prefill time of one byte of a prompt that is not resident."""
    return 1.0 / ((load.bytes_per_token or UNKNOWN_BYTES_PER_TOKEN) * prefill_rate(load))


def prefill(load: NodeLoad, prompt: Prompt) -> float:
    """Return the seconds for the tokens of a prompt that are not resident."""
    tokens = prompt.size / (load.bytes_per_token or UNKNOWN_BYTES_PER_TOKEN)
    return max(0.0, tokens - prompt.resident_tokens) / prefill_rate(load)


def predict(
    trip: RoundTrip,
    load: NodeLoad,
    prompt: Prompt = NO_PROMPT,
    *,
    warm: bool = True,
    age: float = 0.0,
    routed: float = 0.0,
    penalty: float = 0.0,
    wait_least: float = 0.0,
    unheard: float = 0.0,
) -> Prediction:
    """Join the terms for one node.

    `warm` says that a connection is open, `age` how many seconds old the load is; the queue
    is taken to be `wait_least` seconds at least, and to have shortened for `unheard` seconds.
    """
    queue = max(wait_least, faded(queue_wait(load, routed), load, unheard))
    compute = prefill(load, prompt)
    drift = min(1.0, DRIFT_PER_SECOND * age) * (queue + load.base_seconds + compute)
    return Prediction(
        round_trip=trip,
        queue=queue,
        base=load.base_seconds,
        prefill=compute,
        connect=0.0 if warm else HANDSHAKES * trip.seconds,
        spread=math.hypot(trip.spread, drift),
        penalty=penalty,
    )
