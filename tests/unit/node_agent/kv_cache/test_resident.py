from hypothesis import given
from hypothesis import strategies as st

from node_agent.kv_cache.blocks import BlocksCleared, BlocksStored
from node_agent.kv_cache.resident import ResidentBlocks
from tests.support.kv_builders import BLOCK, chain, engine_hashes, holding, removed, stored

PROMPT = tuple(range(10 * BLOCK))


def test_stored_blocks_are_resident_until_they_are_removed() -> None:
    blocks = holding(PROMPT)
    assert (len(blocks), blocks.leading(chain(PROMPT))) == (10, 10)
    blocks.take(removed(PROMPT, first=6))
    assert (len(blocks), blocks.leading(chain(PROMPT))) == (6, 6)
    assert chain(PROMPT)[5] in blocks
    assert chain(PROMPT)[6] not in blocks


def test_a_hole_ends_what_leads() -> None:
    blocks = holding(PROMPT)
    blocks.take(removed(PROMPT, first=3, last=4))
    assert (len(blocks), blocks.leading(chain(PROMPT))) == (9, 3)


def test_blocks_stored_in_parts_are_one_chain() -> None:
    blocks = ResidentBlocks()
    for first in range(0, 10, 2):
        blocks.take(stored(PROMPT, "salt", first=first, last=first + 2))
    assert blocks.leading(chain(PROMPT, "salt")) == 10


def test_two_salts_are_kept_apart() -> None:
    blocks = ResidentBlocks()
    blocks.take(stored(PROMPT, "one"))
    assert blocks.leading(chain(PROMPT, "one")) == 10
    assert blocks.leading(chain(PROMPT, "other")) == 0
    blocks.take(stored(PROMPT, "other"))
    blocks.take(removed(PROMPT, "one"))
    assert blocks.leading(chain(PROMPT, "one")) == 0
    assert blocks.leading(chain(PROMPT, "other")) == 10


def test_a_block_is_resident_while_any_medium_holds_it() -> None:
    blocks = holding(PROMPT)
    hashes_alone = BlocksStored(tuple(engine_hashes(PROMPT)[:4]), None, (), 0, "", "CPU")
    blocks.take(hashes_alone)
    blocks.take(removed(PROMPT))
    assert (len(blocks), blocks.leading(chain(PROMPT))) == (4, 4)
    blocks.take(removed(PROMPT, medium="CPU"))
    assert len(blocks) == 0


def test_a_block_that_two_requests_cached_goes_with_its_last_copy() -> None:
    blocks = holding(PROMPT, PROMPT)
    blocks.take(removed(PROMPT))
    assert blocks.leading(chain(PROMPT)) == 10
    blocks.take(removed(PROMPT))
    assert len(blocks) == 0


def test_what_cannot_be_placed_is_left_out() -> None:
    blocks = ResidentBlocks()
    blocks.take(stored(PROMPT, first=3))  # its parent was never seen
    blocks.take(BlocksStored((b"copy",), None, (), 0, "", "CPU"))
    blocks.take(BlocksStored((b"a", b"b"), None, PROMPT[: 3 * BLOCK], BLOCK, "", "GPU"))
    assert len(blocks) == 0
    blocks.take(removed(PROMPT))
    assert len(blocks) == 0


def test_after_clearing_a_child_of_a_cleared_block_is_unknown() -> None:
    blocks = ResidentBlocks()
    blocks.take(stored(PROMPT, last=3))
    blocks.take(BlocksCleared())
    blocks.take(stored(PROMPT, first=3))
    assert len(blocks) == 0


MEDIA = st.sampled_from(["GPU", "CPU"])
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 9), MEDIA), max_size=60)


@given(STEPS)
def test_the_resident_blocks_are_those_with_a_copy_left(
    steps: list[tuple[bool, int, str]],
) -> None:
    """An engine stores a block only behind one that it holds, and removes what it holds."""
    blocks, copies = ResidentBlocks(), [0] * 10
    held: dict[tuple[int, str], int] = {}
    for storing, place, medium in steps:
        if storing and (place == 0 or copies[place - 1]):
            blocks.take(stored(PROMPT, first=place, last=place + 1, medium=medium))
            held[place, medium] = held.get((place, medium), 0) + 1
            copies[place] += 1
        elif not storing and held.get((place, medium)):
            blocks.take(removed(PROMPT, first=place, last=place + 1, medium=medium))
            held[place, medium] -= 1
            copies[place] -= 1
    ids = chain(PROMPT)
    assert [block_id in blocks for block_id in ids] == [count > 0 for count in copies]
    assert len(blocks) == sum(count > 0 for count in copies)
