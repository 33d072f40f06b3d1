"""From prefix keys to tokens that are still resident: what the node can tell of its cache."""

from collections import OrderedDict
from collections.abc import Mapping
from math import ceil

from nearfield.core.prefix import STEP_BYTES, PrefixKeys
from node_agent.kv_cache.resident import ResidentBlocks
from node_agent.kv_cache.sighting import Covered, Known

ENTRY_BYTES = 12
"""What a key takes in a report: 8 for itself, 4 for its tokens."""
REMEMBERED = 8
"""Keys remembered for each one that a report can hold, so that what cools can come back."""


class Residency:
    """Learns which blocks a prefix key stands for, and tells which of them are resident.

    A key covers bytes and a block covers tokens, and only requests show how the two meet: the
    blocks common to all that carried a key are the key's. Keys of two secrets are kept apart.
    """

    def __init__(
        self, block_tokens: int, resident: ResidentBlocks, byte_budget: int = 4096
    ) -> None:
        self._block_tokens = block_tokens
        self._resident = resident
        self._reported = byte_budget // ENTRY_BYTES
        self._known: OrderedDict[tuple[str, int], Known] = OrderedDict()
        self._requests = 0

    def __len__(self) -> int:
        return len(self._known)

    def note_prompt(
        self, keys: PrefixKeys, total_bytes: int, chain: tuple[int, ...], prompt_tokens: int
    ) -> None:
        """Learn from one request, when it is admitted.

        `total_bytes` are those that the keys were made over, `chain` the ids of the prompt's
        full blocks.
        """
        self._requests += 1
        leading: dict[int, int] = {}
        for place, covered in self._covered(keys, total_bytes, prompt_tokens):
            known = self._known.get(place)
            if known is None:
                self._known[place] = Known(chain, covered, self._requests)
                continue
            known.expected = min(known.blocks, self._leading(known.chain, leading))
            known.see(chain, covered)
            known.warm(self._requests)
            self._known.move_to_end(place)
        self._cool()

    def note_answer(
        self, keys: PrefixKeys, total_bytes: int, chain: tuple[int, ...], tokens: int
    ) -> None:
        """Learn the keys of a prompt with its answer behind it, when the request has ended.

        Keys that the prompt had are left as they are: it is one request and not a second one.
        """
        for place, covered in self._covered(keys, total_bytes, tokens):
            if place not in self._known:
                self._known[place] = Known(chain, covered, self._requests)
        self._cool()

    def correct(self, keys: PrefixKeys, cached_tokens: int) -> None:
        """Learn what the engine found cached for a prompt that was noted before."""
        cached = cached_tokens // self._block_tokens
        for key in keys.keys:
            known = self._known.get((keys.key_id, key))
            if known is not None:
                known.correct(cached)

    def resident_tokens(self, keys: PrefixKeys) -> int:
        """Return the resident tokens of a prompt's deepest key that has any; 0 without one."""
        for key in reversed(keys.keys):
            known = self._known.get((keys.key_id, key))
            if known is None:
                continue
            blocks = self._resident.leading(known.chain[: known.blocks])
            if blocks:
                return blocks * self._block_tokens
        return 0

    def hot(self) -> Mapping[int, int]:
        """Return key to resident tokens (> 0), hottest first, as many as the budget holds."""
        # Of equals the latest request's come first, its shallow keys before the deep ones: cut
        # short, they still serve all that start alike.
        latest = reversed(self._known.items())
        warmest = sorted(latest, key=lambda item: -item[1].warmth(self._requests))
        leading: dict[int, int] = {}
        hot: dict[int, int] = {}
        for (_, key), known in warmest:
            if len(hot) == self._reported:
                break
            blocks = min(known.blocks, self._leading(known.chain, leading))
            if blocks:
                hot.setdefault(key, blocks * self._block_tokens)
        return hot

    def _covered(
        self, keys: PrefixKeys, total_bytes: int, tokens: int
    ) -> list[tuple[tuple[str, int], Covered]]:
        """Each key's share of the prompt's blocks, deepest key first.

        The deepest are then the first to be forgotten: fewer requests share them.
        """
        places = []
        for depth in range(len(keys.keys), 0, -1):
            share = min(1.0, depth * STEP_BYTES / max(total_bytes, 1))
            blocks = share * tokens / self._block_tokens
            covered = Covered(careful=int(blocks) * 9 // 10, most=ceil(blocks))
            places.append(((keys.key_id, keys.keys[depth - 1]), covered))
        return places

    def _leading(self, chain: tuple[int, ...], counted: dict[int, int]) -> int:
        # The keys of one prompt share one chain, and it is counted once for all of them.
        if id(chain) not in counted:
            counted[id(chain)] = self._resident.leading(chain)
        return counted[id(chain)]

    def _cool(self) -> None:
        while len(self._known) > REMEMBERED * self._reported:
            self._known.popitem(last=False)
