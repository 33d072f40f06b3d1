"""Which nodes say that they hold a prefix, from their summaries."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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
    """One node's keys, sorted, and their tokens: 12 bytes an entry."""

    slot: int
    epoch: int
    seq: int
    keys: "array[int]" = field(default_factory=lambda: array("Q"))
    tokens: "array[int]" = field(default_factory=lambda: array("I"))

    def find(self, key: int) -> tuple[int, bool]:
        place = bisect_left(self.keys, key)
        return place, place < len(self.keys) and self.keys[place] == key


class PrefixIndex:
    """Key to nodes, and node to keys.

    Claims are hints and nothing is granted by them. A node that claims what it does not hold
    draws work that it then answers late; its clients see how little was cached and how long the
    prefill took, and choose by that. It cannot speak for another node, take more than
    `keys_most` entries, or claim more than TOKENS_MOST tokens.

    A key's high 17 bits choose a bucket; there its other 47 stand beside the node's number in
    one 64-bit word, sorted. 4,300 nodes of 340 keys take 61 MB; dicts would take about 200.
    """

    def __init__(self, keys_most: int = KEYS_MOST) -> None:
        self._keys_most = keys_most
        self._nodes: dict[str, _Entries] = {}
        self._names: list[str] = []
        self._free: list[int] = []
        self._buckets: dict[int, array[int]] = {}

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
            for name in self._holders(key):
                if name in found:
                    continue
                if len(found) == most:
                    return found
                found[name] = self._tokens(name, key)
        return found

    def claim(self, node: str, keys: Sequence[int]) -> int:
        """Return one node's resident tokens of its deepest key; 0 without one."""
        entries = self._nodes.get(node)
        if entries is None:
            return 0
        for key in reversed(keys):
            place, there = entries.find(key)
            if there:
                return entries.tokens[place]
        return 0

    def _holders(self, key: int) -> Iterator[str]:
        bucket = self._buckets.get(key >> _LOW_BITS)
        if bucket is None:
            return
        low = key & _LOW
        for place in range(bisect_left(bucket, low << _SLOT_BITS), len(bucket)):
            if bucket[place] >> _SLOT_BITS != low:
                return
            yield self._names[bucket[place] & _SLOT]

    def _tokens(self, name: str, key: int) -> int:
        entries = self._nodes[name]
        return entries.tokens[entries.find(key)[0]]

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
        place, there = entries.find(key)
        if there and tokens:
            entries.tokens[place] = tokens
        elif there:
            del entries.keys[place], entries.tokens[place]
            self._unlist(entries.slot, key)
        elif tokens and len(entries.keys) < self._keys_most:
            entries.keys.insert(place, key)
            entries.tokens.insert(place, tokens)
            self._list(entries.slot, key)

    def _list(self, slot: int, key: int) -> None:
        bucket = self._buckets.setdefault(key >> _LOW_BITS, array("Q"))
        insort(bucket, (key & _LOW) << _SLOT_BITS | slot)

    def _unlist(self, slot: int, key: int) -> None:
        bucket = self._buckets[key >> _LOW_BITS]
        del bucket[bisect_left(bucket, (key & _LOW) << _SLOT_BITS | slot)]
        if not bucket:
            del self._buckets[key >> _LOW_BITS]
