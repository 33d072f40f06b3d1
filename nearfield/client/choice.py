"""Which candidate to ask first: the client's own knowledge over the control plane's guess."""

import hashlib
import math
import random
from collections.abc import Sequence
from typing import NamedTuple

from nearfield.core.node import NodeLoad
from nearfield.core.prediction import Prediction, Prompt, RoundTrip, predict
from nearfield.core.route import Candidate

TIE_SECONDS = 0.002
"""What a busy client's own event loop adds or not."""
TIE_SHARE = 0.05
TIE_SHARE_MOST = 0.2
"""Of the best: with very old reports everything would else be alike."""
WEIGHT_LEAST = 1e-9
EARLY_WORTH = 2.0
"""An early question may find nothing; it must save twice what it costs."""


class Known(NamedTuple):
    """What the client knows of a candidate's node.

    `age` is the load's in seconds, `routed` counts what was sent there since; `warm` says
    that a connection is open. The queue takes `wait_least` seconds, whatever the load says.
    """

    load: NodeLoad
    age: float = 0.0
    round_trip: RoundTrip | None = None
    routed: float = 0.0
    resident_tokens: int = 0
    warm: bool = False
    wait_least: float = 0.0


class Ranked(NamedTuple):
    """A candidate, the prediction made anew for it, and what it is ordered by."""

    candidate: Candidate
    prediction: Prediction
    rank: float


def order(
    candidates: Sequence[tuple[Candidate, Known]],
    prompt_size: int,
    key: int | None,
    rng: random.Random,
) -> list[Ranked]:
    """Return the one to ask first, then the others, soonest first.

    `prompt_size` is in bytes; `key` is the deepest prefix key that the prompt shares with
    others, and brings those together among near-ties.
    """
    ranked = [_rank(one, known, prompt_size) for one, known in candidates]
    ranked.sort(key=lambda one: (one.rank, one.candidate.node))
    tied = near_ties(ranked)
    if len(tied) < 2:
        return ranked
    chosen = _at_random(tied, rng) if key is None else _by_rendezvous(tied, key)
    return [chosen, *(one for one in ranked if one is not chosen)]


def near_ties(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Return those of some candidates, best first, that cannot be told from the best."""
    if not ranked:
        return []
    first, spread = ranked[0].rank, ranked[0].prediction.spread
    floor, ceiling = max(TIE_SECONDS, TIE_SHARE * first), TIE_SHARE_MOST * first
    return [
        one
        for one in ranked
        if one.rank - first <= max(floor, min(math.hypot(spread, one.prediction.spread), ceiling))
    ]


def worth_asking(best: Prediction, route_seconds: float | None) -> bool:
    """Whether a question may pay that could find the prompt resident.

    `route_seconds` is what a question takes; None is not measured yet.
    """
    return route_seconds is not None and best.prefill > EARLY_WORTH * route_seconds


def _rank(candidate: Candidate, known: Known, prompt_size: int) -> Ranked:
    told = candidate.prediction
    prediction = predict(
        known.round_trip or told.round_trip,
        known.load,
        Prompt(prompt_size, known.resident_tokens),
        warm=known.warm,
        age=known.age,
        routed=known.routed,
        penalty=told.penalty,
        wait_least=known.wait_least,
        unheard=known.age,
    )
    return Ranked(candidate, prediction, prediction.rank)


def _at_random(tied: Sequence[Ranked], rng: random.Random) -> Ranked:
    (chosen,) = rng.choices(tied, [_weight(one) for one in tied])
    return chosen


def _by_rendezvous(tied: Sequence[Ranked], key: int) -> Ranked:
    """Take the highest weighted hash of key and node: all who know the key agree on it."""
    name = key.to_bytes(8, "little")

    def score(one: Ranked) -> float:
        digest = hashlib.blake2b(name + one.candidate.node.encode(), digest_size=8).digest()
        share = (int.from_bytes(digest, "little") + 0.5) / 2**64
        # Rounding makes a share of 1 of the highest hashes, whose logarithm is 0.
        return -_weight(one) / math.log(min(share, 1 - 1e-12))

    return max(tied, key=score)


def _weight(one: Ranked) -> float:
    return max(WEIGHT_LEAST, one.candidate.weight)
