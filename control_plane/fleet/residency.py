"""Which nodes say that they hold a prefix, from their summaries."""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from nearfield.core.prefix import PrefixSummary

KEYS_MOST = 512
"""Keys of one node: half as many again as the 340 of a node's own byte budget."""
TOKENS_MOST = 1_000_000
"""No context is longer; a greater claim counts as this one."""
NODES_MOST = 2**17
MATCHES_MOST = 64
"""Nodes of one answer; a lease names five, and filters take some of these away."""
_KEY_END = 2**64
_SLOT_BITS = 17
_LOW_BITS = 64 - _SLOT_BITS
_LOW = 2**_LOW_BITS - 1
_SLOT = 2**_SLOT_BITS - 1


@dataclass(slots=True)
class _Entries:
    """One node's keys, sorted."""

    slot: int
    epoch: int
    seq: int
    keys: "array[int]" = field(default_factory=lambda: array("Q"))


class _Bucket(NamedTuple):
    """Words of key and slot, sorted, and beside each the tokens."""

    words: "array[int]"
    tokens: "array[int]"

    def find(self, word: int) -> tuple[int, bool]:
        words = self.words
        place = bisect_left(words, word)
        return place, place < len(words) and words[place] == word


class PrefixIndex:
    """Key to nodes, and node to keys.

    Claims are hints and nothing is granted by them. A node that claims what it does not hold
    draws work that it then answers late; its clients see how little was cached and how long the
    prefill took, and choose by that. It cannot speak for another node, take more than
    `keys_most` entries, or claim more than TOKENS_MOST tokens.

    A key's high 17 bits choose a bucket; there its other 47 stand beside the node's number in
    one 64-bit word, sorted. 4,300 nodes of 340 keys take 80 MB; dicts would take about 200.
    """

    def __init__(self, keys_most: int = KEYS_MOST) -> None:
        self._keys_most = keys_most
        self._nodes: dict[str, _Entries] = {}
        self._names: list[str] = []
        self._free: list[int] = []
        self._buckets: dict[int, _Bucket] = {}

    def __len__(self) -> int:
        return sum(len(entries.keys) for entries in self._nodes.values())

    def take(self, node: str, summary: PrefixSummary) -> bool:
        """Follow a node's frame; False asks for a snapshot, and the node's entries are dropped.

        A delta is refused when it belongs to another epoch or when one before it is missing. A
        frame that was there already is ignored.
        """
        known = self._nodes.get(node)
        if known and summary.epoch == known.epoch and summary.seq <= known.seq:
            return True
        if summary.snapshot:
            return self._replace(node, summary)
        if known is None or (summary.epoch, summary.seq) != (known.epoch, known.seq + 1):
            self.forget(node)
            return False
        known.seq = summary.seq
        self._change(known, summary)
        return True

    def forget(self, node: str) -> None:
        """Drop what a node said, as when it is lost or links anew."""
        entries = self._nodes.pop(node, None)
        if entries is None:
            return
        for key in entries.keys:
            self._unlist(entries.slot, key)
        self._free.append(entries.slot)

    def match(self, keys: Sequence[int], most: int = MATCHES_MOST) -> dict[str, int]:
        """Return node to resident tokens of its deepest key; `keys` are shallowest first.

        Of more than `most` nodes those with the deepest matches are found, and of equals any:
        `claim` tells of one that matters.
        """
        found: dict[str, int] = {}
        for key in reversed(keys):
            bucket = self._buckets.get(key >> _LOW_BITS)
            if bucket is None:
                continue
            words = bucket.words
            word = (key & _LOW) << _SLOT_BITS
            first = bisect_left(words, word)
            if first == len(words) or words[first] > word | _SLOT:
                continue
            holders = self._holders(bucket, first, word | _SLOT, most)
            found = {**found, **holders, **found}  # those of deeper keys first, and as they were
            if len(found) >= most:
                return dict(islice(found.items(), most))
        return found

    def claim(self, node: str, keys: Sequence[int]) -> int:
        """Return one node's resident tokens of its deepest key; 0 without one."""
        entries = self._nodes.get(node)
        if entries is None:
            return 0
        for key in reversed(keys):
            bucket = self._buckets.get(key >> _LOW_BITS)
            if bucket is not None:
                place, there = bucket.find((key & _LOW) << _SLOT_BITS | entries.slot)
                if there:
                    return bucket.tokens[place]
        return 0

    def _holders(self, bucket: _Bucket, first: int, last: int, most: int) -> dict[str, int]:
        """Return node to tokens for words from a place on, up to `last`, at most so many."""
        words, tokens = bucket
        end = bisect_right(words, last, first, min(first + most, len(words)))
        names = self._names
        holders = [names[word & _SLOT] for word in words[first:end]]
        return dict(zip(holders, tokens[first:end], strict=True))

    def _replace(self, node: str, summary: PrefixSummary) -> bool:
        self.forget(node)
        if not self._free and len(self._names) == NODES_MOST:
            return False
        if not self._free:
            self._free.append(len(self._names))
            self._names.append(node)
        slot = self._free.pop()
        self._names[slot] = node
        entries = self._nodes[node] = _Entries(slot, summary.epoch, summary.seq)
        self._change(entries, summary)
        return True

    def _change(self, entries: _Entries, summary: PrefixSummary) -> None:
        # A node within its budget never sends more: all that it held, and as much again.
        for key, tokens in summary.entries[: 2 * self._keys_most]:
            if 0 <= key < _KEY_END:
                self._put(entries, key, min(max(tokens, 0), TOKENS_MOST))

    def _put(self, entries: _Entries, key: int, tokens: int) -> None:
        word = (key & _LOW) << _SLOT_BITS | entries.slot
        bucket = self._buckets.get(key >> _LOW_BITS) or _Bucket(array("Q"), array("I"))
        place, there = bucket.find(word)
        if there and tokens:
            bucket.tokens[place] = tokens
        elif there:
            del entries.keys[bisect_left(entries.keys, key)]
            self._unlist(entries.slot, key)
        elif tokens and len(entries.keys) < self._keys_most:
            insort(entries.keys, key)
            bucket.words.insert(place, word)
            bucket.tokens.insert(place, tokens)
            self._buckets[key >> _LOW_BITS] = bucket

    def _unlist(self, slot: int, key: int) -> None:
        bucket = self._buckets[key >> _LOW_BITS]
        place, _ = bucket.find((key & _LOW) << _SLOT_BITS | slot)
        del bucket.words[place], bucket.tokens[place]
        if not bucket.words:
            del self._buckets[key >> _LOW_BITS]
