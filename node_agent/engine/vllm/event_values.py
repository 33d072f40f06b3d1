"""From vLLM's KV events to the engine-neutral ones."""

from typing import Any

from vllm.distributed.kv_events import AllBlocksCleared, BlockRemoved, BlockStored

from node_agent.kv_cache.blocks import BlocksCleared, BlocksRemoved, BlocksStored, KvEvent

_FIRST_GROUP = (None, 0)
# A model with several kinds of attention caches each block once a kind; one of them is followed.


def to_neutral(event: Any) -> KvEvent | None:
    """Return what an event says; None for blocks that hold more than a salt and tokens."""
    match event:
        case BlockStored() if event.group_idx in _FIRST_GROUP:
            return _stored(event)
        case BlockRemoved() if event.group_idx in _FIRST_GROUP:
            return BlocksRemoved(tuple(event.block_hashes), event.medium or "")
        case AllBlocksCleared():
            return BlocksCleared()
    return None


def _stored(event: Any) -> BlocksStored | None:
    extras = [extra for keys in event.extra_keys or () for extra in keys or ()]
    # A start is salted by one string. Anything else is an adapter, an image or an embedding.
    salt = extras.pop() if len(extras) == 1 and event.parent_block_hash is None else ""
    if extras or event.lora_name or not isinstance(salt, str):
        return None
    return BlocksStored(
        hashes=tuple(event.block_hashes),
        parent=event.parent_block_hash,
        token_ids=tuple(event.token_ids),
        block_tokens=event.block_size,
        salt=salt,
        medium=event.medium or "",
    )
