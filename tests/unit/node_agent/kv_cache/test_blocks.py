from hypothesis import given
from hypothesis import strategies as st

from node_agent.kv_cache.blocks import block_chain, chain_after

TOKENS = st.lists(st.integers(0, 2**32 - 1), max_size=40)


@given(TOKENS, TOKENS, TOKENS)
def test_prompts_share_as_many_ids_as_they_share_full_blocks(
    common: list[int], one: list[int], other: list[int]
) -> None:
    left, right = [*common, 1, *one], [*common, 2, *other]
    chains = block_chain("salt", left, 4), block_chain("salt", right, 4)
    assert [len(chain) for chain in chains] == [len(left) // 4, len(right) // 4]
    shared = len(common) // 4
    assert chains[0][:shared] == chains[1][:shared]
    assert not set(chains[0][shared:]) & set(chains[1][shared:])


def test_two_salts_share_no_id() -> None:
    chains = [set(block_chain(salt, range(64), 4)) for salt in ("", "a", "b")]
    assert len(set.union(*chains)) == 3 * 16


@given(TOKENS, st.integers(0, 10))
def test_a_chain_goes_on_where_it_was_cut(tokens: list[int], cut: int) -> None:
    whole = block_chain("salt", tokens, 4)
    head = whole[:cut]
    if head:
        assert head + chain_after(head[-1], tokens[4 * len(head) :], 4) == whole


def test_a_block_repeated_later_in_a_prompt_is_another_block() -> None:
    assert len(set(block_chain("salt", [7] * 32, 4))) == 8
