from typing import Any

import pytest
from vllm.distributed.kv_events import AllBlocksCleared, BlockRemoved, BlockStored

from node_agent.engine.vllm.event_values import to_neutral
from node_agent.kv_cache.blocks import BlocksCleared, BlocksRemoved, BlocksStored


def stored(**changes: Any) -> BlockStored:
    values: dict[str, Any] = {
        "block_hashes": [b"one", b"two"],
        "parent_block_hash": None,
        "token_ids": [1, 2, 3, 4],
        "block_size": 2,
        "lora_id": None,
        "medium": "GPU",
        "lora_name": None,
    }
    return BlockStored(**{**values, **changes})


def test_a_stored_start_carries_its_salt() -> None:
    salted = to_neutral(stored(extra_keys=[("salt",), None]))
    assert salted == BlocksStored((b"one", b"two"), None, (1, 2, 3, 4), 2, "salt", "GPU")
    plain = to_neutral(stored(extra_keys=None))
    assert plain == BlocksStored((b"one", b"two"), None, (1, 2, 3, 4), 2, "", "GPU")


def test_a_stored_continuation_names_its_parent() -> None:
    after = to_neutral(stored(parent_block_hash=b"zero", extra_keys=[None, None], medium="CPU"))
    assert after == BlocksStored((b"one", b"two"), b"zero", (1, 2, 3, 4), 2, "", "CPU")


@pytest.mark.parametrize(
    "changes",
    [
        {"lora_name": "law", "extra_keys": [("law",), ("law",)]},
        {"extra_keys": [("image", "salt"), None]},
        {"extra_keys": [(("image", 0),), None]},
        {"extra_keys": [(b"embedding",), None]},
        {"parent_block_hash": b"zero", "extra_keys": [("law",), None]},
        {"group_idx": 1},
    ],
)
def test_blocks_that_hold_more_than_a_salt_and_tokens_are_left_out(changes: dict[str, Any]) -> None:
    assert to_neutral(stored(**changes)) is None


def test_removed_and_cleared_blocks_are_told() -> None:
    assert to_neutral(BlockRemoved([b"one"], medium="CPU")) == BlocksRemoved((b"one",), "CPU")
    assert to_neutral(BlockRemoved([b"one"], medium="CPU", group_idx=1)) is None
    assert to_neutral(AllBlocksCleared()) == BlocksCleared()
