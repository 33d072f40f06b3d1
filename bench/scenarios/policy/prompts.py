"""What one request carries: lengths, and which parts of its prompt others carry too.

No text is made. A prompt is a row of segments; the same id is the same text from its first
token on, and prefix keys are a chain over the segments as the product's are over bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from nearfield.core.prefix import KEYS_MOST

KEY_TOKENS = 64
"""The product hashes steps of 256 bytes; a token is about 4 of them."""
_WORD = 2**64 - 1
_ANSWER = 0xA5A5A5A5


class Segment(NamedTuple):
    """A stretch of text: `id` is 64 bits."""

    id: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: meant to be sent `at` seconds from the start, by someone in city `city`.

    `prefix` is the whole prompt, so that its segments' tokens add up to `prompt_tokens`; its
    last segment is the request's own. `conversation` is None where no turn goes before or after.
    """

    at: float
    city: int
    prompt_tokens: int
    answer_tokens: int
    prefix: tuple[Segment, ...]
    conversation: int | None = None


def arrival(
    at: float,
    city: int,
    prefix: tuple[Segment, ...],
    answer_tokens: int,
    conversation: int | None = None,
) -> Arrival:
    """Return the request whose prompt these segments are."""
    tokens = sum(segment.tokens for segment in prefix)
    return Arrival(at, city, tokens, answer_tokens, prefix, conversation)


def keys(request: Arrival) -> tuple[int, ...]:
    """Return 64-bit keys of the prompt, shallowest first, one per whole 64 tokens."""
    return _chain(request.prefix)


def answered_keys(request: Arrival) -> tuple[int, ...]:
    """Return the keys of the prompt with its answer behind it: where a next turn goes on."""
    return _chain(answered(request))


def answered(request: Arrival) -> tuple[Segment, ...]:
    """Return the prompt's segments and the answer's; the same prompt gets the same answer."""
    answer = Segment(mixed(request.prefix[-1].id ^ _ANSWER), request.answer_tokens)
    return (*request.prefix, answer)


def mixed(value: int) -> int:
    """Return 64 bits that look random, one for each 64-bit value (the splitmix64 finalizer)."""
    value = (value + 0x9E3779B97F4A7C15) & _WORD
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _WORD
    return value ^ (value >> 31)


def _chain(segments: Iterable[Segment]) -> tuple[int, ...]:
    # Integer arithmetic, not BLAKE2b: a run draws tens of millions of keys and keeps no secret.
    found: list[int] = []
    above = filled = 0
    for segment, tokens in segments:
        start = 0
        while start < tokens:
            end = min(tokens, start + KEY_TOKENS - filled)
            above = mixed(above ^ mixed(segment + (start << 40) + (end << 20)))
            filled = (filled + end - start) % KEY_TOKENS
            start = end
            if not filled:
                found.append(above)
                if len(found) == KEYS_MOST:
                    return tuple(found)
    return tuple(found)
