"""A node's prefix cache: what is resident of the prompts it had."""

from collections import OrderedDict
from collections.abc import Sequence


class PrefixCache:
    """Blocks by their chained key; what was used longest ago goes first, the deepest of it."""

    def __init__(self, blocks: int) -> None:
        self._most = blocks
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._blocks)

    def leading(self, keys: Sequence[int]) -> int:
        """Return how many of a chain's keys are resident from its start on."""
        blocks = self._blocks
        # A chain is stored whole and loses its end first, so that it can be halved.
        low, high = 0, len(keys)
        while low < high:
            middle = (low + high + 1) // 2
            if keys[middle - 1] in blocks:
                low = middle
            else:
                high = middle - 1
        return low

    def store(self, keys: Sequence[int]) -> None:
        """Make a chain resident, as the one used last."""
        blocks = self._blocks
        # A chain that does not fit keeps its start.
        for key in reversed(keys[: self._most]):
            blocks[key] = None
            blocks.move_to_end(key)
        while len(blocks) > self._most:
            blocks.popitem(last=False)

    def clear(self) -> None:
        """Hold nothing."""
        self._blocks.clear()
