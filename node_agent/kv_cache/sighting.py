"""What the requests that carried one prefix key have shown of its blocks."""

from dataclasses import dataclass

HALF_LIFE = 256
"""Requests after which a sighting counts half."""


@dataclass(frozen=True, slots=True)
class Covered:
    """A key's blocks by its share of a prompt's bytes: a careful guess and the most."""

    careful: int
    most: int


class Known:
    """One key: a chain whose first `blocks` blocks are taken for the key's own.

    Bytes and tokens run at different paces within a prompt, so after one sighting only nine
    tenths of the key's share of the blocks count. Of several sightings the common blocks count,
    up to the least of the shares. `expected` blocks were thought resident at the latest one.
    """

    __slots__ = ("_careful", "_common", "_last", "_limit", "_most", "_score", "chain", "expected")

    def __init__(self, chain: tuple[int, ...], covered: Covered, now: int) -> None:
        self.chain = chain
        self.expected = 0
        self._common = len(chain)
        self._most = covered.most
        self._careful: int | None = covered.careful
        self._limit: int | None = None
        self._score = 1.0
        self._last = now

    @property
    def blocks(self) -> int:
        """How many of the chain's first blocks are the key's, as far as is known."""
        blocks = min(self._common, self._most)
        if self._careful is not None:
            blocks = min(blocks, self._careful)
        return blocks if self._limit is None else min(blocks, self._limit)

    def see(self, chain: tuple[int, ...], covered: Covered) -> None:
        """Learn from another request with this key."""
        self._common = min(self._common, common_blocks(self.chain, chain))
        self._most = min(self._most, covered.most)
        self._careful = None
        # The newest chain is shared with the request's other keys; an old one is let go.
        self.chain = chain

    def correct(self, cached: int) -> None:
        """Learn how many blocks of the latest request the engine found cached.

        On a first sighting they came from requests without this key, so they lie within it.
        """
        if self._careful is not None:
            self._careful = max(self._careful, cached)
        # The engine computes at least one token itself, and with it up to one block.
        elif cached + 1 < self.expected:
            self._limit = cached
        elif self._limit is not None and cached > self._limit:
            self._limit = None

    def warm(self, now: int) -> None:
        """Count a sighting at request number `now`."""
        self._score = 1.0 + self._score * _decay(now - self._last)
        self._last = now

    def warmth(self, now: int) -> float:
        """How wanted the key is: its sightings, the recent ones counting more."""
        return self._score * _decay(now - self._last)


def _decay(requests: int) -> float:
    return float(0.5 ** (requests / HALF_LIFE))


def common_blocks(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Return the length of two chains' common start, by halving: an id stands for all before it."""
    if one is other:
        return len(one)
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[middle - 1] == other[middle - 1]:
            low = middle
        else:
            high = middle - 1
    return low
