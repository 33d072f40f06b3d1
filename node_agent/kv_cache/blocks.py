"""Blocks of tokens under names of our own, and what an engine says of the blocks it keeps.

An engine's own hashes differ between its versions. Ours are a chain: an id stands for its
block's tokens, for all tokens before them, and for the salt they were cached under.
"""

import hashlib
import secrets
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

BlockHash = bytes | int
"""An engine's name of a block: told apart and nothing else."""

_KEY = secrets.token_bytes(32)
# Fresh with every start, so that an id that leaked cannot be tested against a guessed prompt.
_ID_BYTES = 8
_TOKEN_BYTES = 4


def block_chain(salt: str, token_ids: Sequence[int], block_tokens: int) -> tuple[int, ...]:
    """Return the ids of a prompt's full blocks, first to last; 0.1 ms for 2,000 tokens.

    Token ids are below 2**32. Equal ids at one place mean equal ids at every place before it.
    """
    return _extended(_root(salt), token_ids, block_tokens)


def chain_after(parent: int, token_ids: Sequence[int], block_tokens: int) -> tuple[int, ...]:
    """Return the ids of the full blocks that follow the block named `parent`."""
    return _extended(parent.to_bytes(_ID_BYTES, "little"), token_ids, block_tokens)


def _root(salt: str) -> bytes:
    return hashlib.blake2b(salt.encode(), key=_KEY, digest_size=_ID_BYTES, person=b"salt").digest()


def _extended(above: bytes, token_ids: Sequence[int], block_tokens: int) -> tuple[int, ...]:
    data = array("I", token_ids).tobytes()
    step = block_tokens * _TOKEN_BYTES
    ids: list[int] = []
    for start in range(0, len(data) - step + 1, step):
        block = above + data[start : start + step]
        above = hashlib.blake2b(block, key=_KEY, digest_size=_ID_BYTES).digest()
        ids.append(int.from_bytes(above, "little"))
    return tuple(ids)


@dataclass(frozen=True, slots=True)
class BlocksStored:
    """Blocks that follow one another were cached in `medium`, behind `parent` (None: at a start).

    `token_ids` are those of all these blocks. They are empty where the engine tells hashes
    alone, as for copies in host memory. `salt` matters at a start only.
    """

    hashes: tuple[BlockHash, ...]
    parent: BlockHash | None
    token_ids: tuple[int, ...]
    block_tokens: int
    salt: str
    medium: str


@dataclass(frozen=True, slots=True)
class BlocksRemoved:
    """One copy of each of these blocks left `medium`."""

    hashes: tuple[BlockHash, ...]
    medium: str


@dataclass(frozen=True, slots=True)
class BlocksCleared:
    """Every block left every medium."""


KvEvent = BlocksStored | BlocksRemoved | BlocksCleared
