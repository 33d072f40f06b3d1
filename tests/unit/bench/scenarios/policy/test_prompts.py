import pytest

from bench.scenarios.policy.prompts import (
    Arrival,
    Segment,
    answered,
    answered_keys,
    arrival,
    keys,
)
from nearfield.core.prefix import KEYS_MOST


def asked(*segments: tuple[int, int], answer_tokens: int = 100) -> Arrival:
    return arrival(0.0, 0, tuple(Segment(*segment) for segment in segments), answer_tokens)


def in_common(a: Arrival, b: Arrival) -> int:
    pairs = list(zip(keys(a), keys(b), strict=False))
    same = [one == other for one, other in pairs]
    assert same == sorted(same, reverse=True)  # once apart, apart for good
    return sum(same)


@pytest.mark.parametrize(("tokens", "count"), [(1, 0), (63, 0), (64, 1), (127, 1), (128, 2)])
def test_there_is_a_key_for_each_whole_64_tokens(tokens: int, count: int) -> None:
    assert len(keys(asked((1, tokens)))) == count
    assert len(keys(asked(*[(index, 1) for index in range(tokens)]))) == count


def test_prompts_share_keys_up_to_where_they_differ() -> None:
    # 500 tokens hold 7 whole steps; the eighth has 52 of them and 12 of each one's own.
    assert in_common(asked((1, 500), (2, 300)), asked((1, 500), (3, 300))) == 7
    assert in_common(asked((1, 512), (2, 300)), asked((1, 512), (3, 300))) == 8
    assert in_common(asked((2, 500)), asked((1, 500))) == 0


def test_the_same_text_elsewhere_or_in_another_order_has_other_keys() -> None:
    assert not set(keys(asked((1, 128), (2, 128)))) & set(keys(asked((2, 128), (1, 128))))
    assert len(set(keys(asked((1, 640), (1, 640))))) == 20


def test_one_prompt_that_says_less_of_a_text_shares_what_it_says() -> None:
    assert in_common(asked((1, 200), (2, 300)), asked((1, 1000))) == 3


def test_a_next_turn_finds_the_keys_of_the_answer_before_it() -> None:
    first = asked((1, 200), answer_tokens=200)
    next_turn = arrival(9.0, 0, (*answered(first), Segment(7, 90)), 10)
    assert next_turn.prompt_tokens == 490
    assert keys(next_turn)[:6] == answered_keys(first)
    assert len(answered_keys(first)) == 6


def test_keys_are_64_bits_without_a_clash_in_a_hundred_thousand() -> None:
    found = [key for index in range(1000) for key in keys(asked((index, 6400)))]
    assert len(set(found)) == 100_000
    assert all(0 <= key < 2**64 for key in found)


def test_keys_of_one_prompt_are_bounded_as_the_products_are() -> None:
    assert len(keys(asked((1, 1_000_000)))) == KEYS_MOST
