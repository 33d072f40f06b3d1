"""An engine's cache for tests, as its events tell of it."""

import hashlib
from collections.abc import Sequence

from nearfield.core.prefix import PrefixKeys
from node_agent.kv_cache.blocks import BlocksRemoved, BlocksStored, block_chain
from node_agent.kv_cache.resident import ResidentBlocks

BLOCK = 4


def engine_hashes(tokens: Sequence[int], salt: str = "") -> list[bytes]:
    """Return names as an engine makes them: a chain of its own, which ours need not equal."""
    above, names = salt.encode(), []
    for start in range(0, len(tokens) - BLOCK + 1, BLOCK):
        above = hashlib.sha256(above + repr(tokens[start : start + BLOCK]).encode()).digest()
        names.append(above)
    return names


def stored(
    tokens: Sequence[int], salt: str = "", *, first: int = 0, last: int = -1, medium: str = "GPU"
) -> BlocksStored:
    """Return the event that stores blocks `first` up to before `last` of a prompt."""
    names = engine_hashes(tokens, salt)
    end = len(names) if last < 0 else last
    return BlocksStored(
        hashes=tuple(names[first:end]),
        parent=names[first - 1] if first else None,
        token_ids=tuple(tokens[first * BLOCK : end * BLOCK]),
        block_tokens=BLOCK,
        salt="" if first else salt,
        medium=medium,
    )


def removed(
    tokens: Sequence[int], salt: str = "", *, first: int = 0, last: int = -1, medium: str = "GPU"
) -> BlocksRemoved:
    """Return the event that removes blocks `first` up to before `last` of a prompt."""
    names = engine_hashes(tokens, salt)
    return BlocksRemoved(tuple(names[first : len(names) if last < 0 else last]), medium)


def holding(*prompts: Sequence[int]) -> ResidentBlocks:
    """Return what an engine holds that has stored these prompts."""
    blocks = ResidentBlocks()
    for prompt in prompts:
        blocks.take(stored(prompt))
    return blocks


def chain(tokens: Sequence[int], salt: str = "") -> tuple[int, ...]:
    """Return our ids of a prompt's full blocks."""
    return block_chain(salt, tokens, BLOCK)


def keys(*values: int, key_id: str = "secret") -> PrefixKeys:
    """Return prefix keys, shallowest first."""
    return PrefixKeys(key_id, values)
