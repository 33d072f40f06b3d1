import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.kv_cache.residency import ENTRY_BYTES, REMEMBERED, Residency
from node_agent.kv_cache.resident import ResidentBlocks
from node_agent.kv_cache.sighting import HALF_LIFE
from tests.support.kv_builders import BLOCK, chain, holding, keys, removed, stored

SYSTEM = tuple(range(20 * BLOCK))
ONE, OTHER = SYSTEM + (1,) * 20 * BLOCK, SYSTEM + (2,) * 20 * BLOCK
BYTES = 4 * 256
"""Four keys cover forty blocks: ten blocks a key, twenty of them the system prompt's."""


def note(residency: Residency, prompt: tuple[int, ...], *values: int, key_id: str = "k") -> None:
    residency.note_prompt(keys(*values, key_id=key_id), BYTES, chain(prompt), len(prompt))


def known(*prompts: tuple[int, ...]) -> Residency:
    """All of these prompts resident, and nothing noted."""
    return Residency(BLOCK, holding(*prompts))


def tokens(residency: Residency, *values: int, key_id: str = "k") -> int:
    return residency.resident_tokens(keys(*values, key_id=key_id))


def test_a_first_sighting_counts_nine_tenths_of_its_share() -> None:
    residency = known(ONE)
    note(residency, ONE, 11, 12, 13, 14)
    claims = [tokens(residency, key) for key in (11, 12, 13, 14)]
    assert claims == [9 * BLOCK, 18 * BLOCK, 27 * BLOCK, 36 * BLOCK]


def test_a_second_sighting_counts_the_common_blocks() -> None:
    residency = known(ONE, OTHER)
    note(residency, ONE, 11, 12, 13)
    note(residency, OTHER, 11, 12, 13)
    assert tokens(residency, 11) == 10 * BLOCK  # its share, though more is common
    assert tokens(residency, 12) == 20 * BLOCK
    assert tokens(residency, 13) == 20 * BLOCK  # its share is thirty, but no more is common


def test_the_least_share_of_any_sighting_is_the_most_that_counts() -> None:
    residency = known(ONE)
    note(residency, ONE, 11)
    residency.note_prompt(keys(11, key_id="k"), 2 * BYTES, chain(ONE), len(ONE))
    note(residency, ONE, 11)
    assert tokens(residency, 11) == 5 * BLOCK


def test_the_common_blocks_of_three_requests_never_grow_again() -> None:
    residency = known(ONE, OTHER)
    for prompt in (ONE, SYSTEM[: 6 * BLOCK] + ONE, ONE, ONE):
        note(residency, prompt, 11, 12, 13, 14)
    assert tokens(residency, 14) == 6 * BLOCK


def test_keys_of_two_secrets_are_not_confused() -> None:
    residency = known(ONE)
    note(residency, ONE, 11, key_id="mine")
    note(residency, (9,) * 40 * BLOCK, 11, key_id="other")
    assert tokens(residency, 11, key_id="mine") == 9 * BLOCK
    assert tokens(residency, 11, key_id="other") == 0
    assert residency.hot() == {11: 9 * BLOCK}


def test_only_what_is_still_resident_counts() -> None:
    blocks = holding(ONE)
    residency = Residency(BLOCK, blocks)
    note(residency, ONE, 11, 12)
    blocks.take(removed(ONE, first=4))
    assert tokens(residency, 11, 12) == 4 * BLOCK
    assert residency.hot() == {11: 4 * BLOCK, 12: 4 * BLOCK}
    blocks.take(removed(ONE, last=4))
    assert (tokens(residency, 11, 12), residency.hot()) == (0, {})


def test_the_deepest_known_key_answers_for_a_prompt() -> None:
    residency = known(ONE)
    note(residency, ONE, 11, 12)
    assert tokens(residency, 11, 12, 99) == 18 * BLOCK
    assert tokens(residency, 11, 98, 99) == 9 * BLOCK
    assert tokens(residency, 97, 98, 99) == 0


def test_an_answers_keys_are_learnt_and_the_prompts_own_are_not_counted_twice() -> None:
    residency = known(ONE)
    note(residency, ONE[: 20 * BLOCK], 11, 12)
    residency.note_answer(keys(11, 12, 13, 14, key_id="k"), BYTES, chain(ONE), len(ONE))
    assert tokens(residency, 14) == 36 * BLOCK
    assert tokens(residency, 11) == 4 * BLOCK  # nine tenths of a quarter of twenty, rounded down


def test_what_the_engine_had_cached_raises_a_first_guess_up_to_its_share() -> None:
    residency = known(ONE)
    note(residency, ONE, 11, 12, 13)
    residency.correct(keys(11, 12, 13, key_id="k"), 19 * BLOCK + 1)
    assert [tokens(residency, key) for key in (11, 12, 13)] == [
        10 * BLOCK,
        19 * BLOCK,
        27 * BLOCK,
    ]


def test_what_the_engine_had_not_cached_is_not_claimed_until_it_has() -> None:
    residency = known(ONE)
    for cached in (0, 3 * BLOCK):
        note(residency, ONE, 11, 12)
        residency.correct(keys(11, 12, key_id="k"), cached)
    assert tokens(residency, 12) == 3 * BLOCK
    note(residency, ONE, 11, 12)
    residency.correct(keys(11, 12, key_id="k"), 3 * BLOCK)
    assert tokens(residency, 12) == 3 * BLOCK
    note(residency, ONE, 11, 12)
    residency.correct(keys(11, 12, key_id="k"), 39 * BLOCK)
    assert tokens(residency, 12) == 20 * BLOCK


def test_one_block_that_the_engine_computes_anew_takes_nothing_from_a_claim() -> None:
    residency = known(ONE)
    for _ in range(2):
        note(residency, ONE, 11, 12)
        residency.correct(keys(11, 12, key_id="k"), 17 * BLOCK)
    assert tokens(residency, 12) == 20 * BLOCK


def test_a_cold_prompt_is_claimed_once_its_blocks_are_stored() -> None:
    blocks = ResidentBlocks()
    residency = Residency(BLOCK, blocks)
    for _ in range(2):
        note(residency, ONE, 11)
        residency.correct(keys(11, key_id="k"), 0)
    assert tokens(residency, 11) == 0
    blocks.take(stored(ONE))
    assert tokens(residency, 11) == 10 * BLOCK


def test_the_most_seen_keys_are_reported_first_and_then_the_latest() -> None:
    residency = known(ONE)
    for key in (1, 2, 2, 3):
        note(residency, ONE, key)
    assert list(residency.hot()) == [2, 3, 1]


def test_an_old_favourite_cools() -> None:
    residency = known(ONE)
    for _ in range(3):
        note(residency, ONE, 1)
    for _ in range(2 * HALF_LIFE):
        residency.note_prompt(keys(), 0, (), 0)
    note(residency, ONE, 2)
    assert list(residency.hot()) == [2, 1]


def test_sightings_of_long_ago_count_little_beside_recent_ones() -> None:
    residency = known(ONE)
    for _ in range(3):
        note(residency, ONE, 1)
    for _ in range(4 * HALF_LIFE):
        residency.note_prompt(keys(), 0, (), 0)
    for key in (2, 2, 1):
        note(residency, ONE, key)
    assert list(residency.hot()) == [2, 1]


def test_a_report_keeps_to_its_byte_budget_and_prefers_shallow_keys() -> None:
    residency = Residency(BLOCK, holding(ONE), byte_budget=2 * ENTRY_BYTES + 1)
    note(residency, ONE, 11, 12, 13, 14)
    assert residency.hot() == {11: 9 * BLOCK, 12: 18 * BLOCK}


def test_the_memory_is_bounded_and_deep_keys_go_first() -> None:
    residency = Residency(BLOCK, holding(ONE), byte_budget=ENTRY_BYTES)
    note(residency, ONE, *range(2 * REMEMBERED))
    assert len(residency) == REMEMBERED
    assert [tokens(residency, key) > 0 for key in (0, REMEMBERED - 1, REMEMBERED)] == [
        True,
        True,
        False,
    ]


def test_a_key_that_is_seen_again_outlives_the_others() -> None:
    residency = Residency(BLOCK, holding(ONE), byte_budget=ENTRY_BYTES)
    for key in (*range(REMEMBERED), 0, REMEMBERED):
        note(residency, ONE, key)
    assert tokens(residency, 0) == 10 * BLOCK
    assert tokens(residency, 1) == 0


@pytest.mark.parametrize("total_bytes", [0, -1, 10])
def test_more_keys_than_bytes_claim_no_more_than_the_prompt(total_bytes: int) -> None:
    residency = known(ONE)
    residency.note_prompt(keys(11, 12, key_id="k"), total_bytes, chain(ONE), len(ONE))
    assert tokens(residency, 12) == 36 * BLOCK


PROMPTS = st.lists(st.lists(st.integers(0, 1), max_size=6), min_size=1, max_size=12)


@given(PROMPTS)
def test_a_key_never_claims_more_than_its_requests_share_or_the_node_holds(
    prompts: list[list[int]],
) -> None:
    whole = [tuple(token for token in prompt for _ in range(BLOCK)) for prompt in prompts]
    blocks = holding(*whole[::2])
    residency = Residency(BLOCK, blocks)
    for prompt in whole:
        note(residency, prompt, 1)
    claimed = residency.hot().get(1, 0)
    assert len({prompt[:claimed] for prompt in whole}) == 1
    assert claimed <= BLOCK * min(blocks.leading(chain(prompt)) for prompt in whole)
