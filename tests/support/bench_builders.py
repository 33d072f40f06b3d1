"""Samples and finished rounds for tests of the benches."""

from typing import Any

from bench.sample import Sample
from bench.scenarios.overhead.rounds import LEVELS, Did, Played
from bench.scenarios.overhead.systems import ENGINE, NODE, OPENAI


def sample(index: int = 0, ttft: float = 0.1, **changes: Any) -> Sample:
    """Return an answered request that was sent, one a second, exactly when it was meant."""
    fields: dict[str, Any] = {
        "index": index,
        "scheduled": float(index),
        "sent": float(index),
        "first_token": index + ttft,
        "finished": index + ttft + 0.09,
        "completion_tokens": 10,
        "prompt_tokens": 20,
        "pop": "fra1",
    }
    return Sample(**{**fields, **changes})


def played(ttft: float = 1.0, rate: float = 1.0, rounds: int = 3, **changes: Any) -> Played:
    """Return rounds in which the node's TTFT and rate are so many times those of the others."""
    factors = {ENGINE: (1.0, 1.0), NODE: (ttft, rate), OPENAI: (1.0, 1.0)}
    return Played(
        rounds={
            (system, level): [
                # A slow machine makes both sides of a round slower.
                Did(0.01 * slow * longer, 100 / slow * more)
                for slow in range(1, rounds + 1)
            ]
            for system, (longer, more) in factors.items()
            for level in LEVELS
        },
        sent=changes.pop("sent", 100),
        **changes,
    )
