"""Which blocks an engine holds right now, from its own account."""

from dataclasses import dataclass, field

from node_agent.kv_cache.blocks import (
    BlockHash,
    BlocksCleared,
    BlocksRemoved,
    BlocksStored,
    KvEvent,
    block_chain,
    chain_after,
)


@dataclass(slots=True)
class _Held:
    """A block's id, and the medium of each copy: an engine may hold one block several times."""

    id: int
    media: list[str] = field(default_factory=list)


class ResidentBlocks:
    """Follows an engine's events; a block is resident while any medium holds a copy.

    What cannot be placed (its parent is unknown, or it came without tokens) is left out and
    never guessed: the worst of it is a prefix that is resident and not reported. Holds as many
    blocks as the engine does and no more.
    """

    def __init__(self) -> None:
        self._held: dict[BlockHash, _Held] = {}
        self._ids: set[int] = set()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, block_id: int) -> bool:
        return block_id in self._ids

    def leading(self, chain: tuple[int, ...]) -> int:
        """Return how many blocks at the chain's start are resident without a hole."""
        for count, block_id in enumerate(chain):
            if block_id not in self._ids:
                return count
        return len(chain)

    def take(self, event: KvEvent) -> None:
        """Follow one event, in the engine's order."""
        match event:
            case BlocksStored():
                self._store(event)
            case BlocksRemoved(hashes, medium):
                for name in hashes:
                    self._remove(name, medium)
            case BlocksCleared():
                self.clear()

    def clear(self) -> None:
        """Hold nothing until it is stored again, as after a gap in the events."""
        self._held.clear()
        self._ids.clear()

    def _store(self, event: BlocksStored) -> None:
        for name, block_id in zip(event.hashes, self._placed(event), strict=True):
            held = self._held.get(name)
            if held is None and block_id is not None:
                held = self._held[name] = _Held(block_id)
                self._ids.add(block_id)
            if held is not None:
                held.media.append(event.medium)

    def _placed(self, event: BlocksStored) -> tuple[int, ...] | tuple[None, ...]:
        """Our ids of the stored blocks; Nones where they cannot be known."""
        unknown = (None,) * len(event.hashes)
        # Sliding windows leave blocks out, and then no token can be told to be whose.
        if not event.token_ids or len(event.token_ids) != len(event.hashes) * event.block_tokens:
            return unknown
        if event.parent is None:
            return block_chain(event.salt, event.token_ids, event.block_tokens)
        parent = self._held.get(event.parent)
        if parent is None:
            return unknown
        return chain_after(parent.id, event.token_ids, event.block_tokens)

    def _remove(self, name: BlockHash, medium: str) -> None:
        held = self._held.get(name)
        if held is None or medium not in held.media:
            return
        held.media.remove(medium)
        if not held.media:
            del self._held[name]
            self._ids.discard(held.id)
