import pytest

from bench.scenarios.policy.node import Node, PrefixCache
from tests.support.policy_builders import KIND

BASE = KIND.base


def test_an_idle_node_takes_base_and_prefill_and_decodes_at_full_speed() -> None:
    service = Node(KIND).admit(10.0, (), 500, 101)
    assert service is not None
    assert service.first == pytest.approx(10.0 + BASE + 0.5)
    assert service.end == pytest.approx(service.first + 100 / 100)


def test_prefills_run_one_after_another_and_two_at_once_decode_slower() -> None:
    node = Node(KIND)
    first, second = node.admit(0.0, (), 500, 101), node.admit(0.1, (), 300, 101)
    assert first is not None
    assert second is not None
    assert second.start == pytest.approx(0.1)
    assert second.first == pytest.approx(first.first + BASE + 0.3)
    assert second.end == pytest.approx(second.first + 100 / 50)


def test_a_third_request_waits_for_the_slot_that_comes_free_first() -> None:
    node = Node(KIND)
    first, _ = node.admit(0.0, (), 500, 101), node.admit(0.0, (), 300, 1001)
    third = node.admit(0.0, (), 100, 11)
    assert first is not None
    assert third is not None
    assert third.start == pytest.approx(first.end)
    assert third.first == pytest.approx(first.end + BASE + 0.1)


def test_what_is_cached_needs_no_prefill_but_the_last_token_always_does() -> None:
    node = Node(KIND)
    node.admit(0.0, (1, 2), 150, 11)
    again = node.admit(5.0, (1, 2), 150, 11)
    whole = node.admit(9.0, (1, 2), 128, 11)
    assert again is not None
    assert whole is not None
    assert again.cached_tokens == 128
    assert again.first == pytest.approx(5.0 + BASE + 0.022)
    assert whole.cached_tokens == 127


def test_an_answer_is_cached_once_it_has_ended() -> None:
    node = Node(KIND)
    first = node.admit(0.0, (1,), 100, 101, answered=(1, 2, 3))
    assert first is not None
    during, after = (node.admit(at, (1, 2, 3), 300, 11) for at in (0.5, first.end + 1))
    assert during is not None
    assert after is not None
    assert (during.cached_tokens, after.cached_tokens) == (64, 192)


def test_the_gate_lets_as_many_wait_as_there_are_slots() -> None:
    node = Node(KIND)
    taken = [node.admit(0.0, (), 100, 1001) for _ in range(5)]
    assert [one is not None for one in taken] == [True] * 4 + [False]
    assert node.admit(1000.0, (), 100, 11) is not None


def test_a_request_that_cannot_wait_so_long_is_turned_away() -> None:
    node = Node(KIND)
    for _ in range(2):
        node.admit(0.0, (), 100, 1001)
    node.advance(100.0)
    for _ in range(2):
        node.admit(100.0, (), 100, 1001)
    assert node.admit(100.0, (), 100, 11, patience=0.05) is None
    assert node.admit(100.0, (), 100, 11, patience=60.0) is not None


def test_a_load_counts_who_waits_and_tells_what_was_learned() -> None:
    node = Node(KIND)
    for tokens in (500, 300, 200):
        node.admit(0.0, (), tokens, 101)
    before, during, after = node.load(0.0), node.load(0.6), node.load(50.0)
    assert (before.running, before.waiting, before.waiting_prompt_tokens) == (0, 3, 1000)
    assert (during.running, during.waiting, during.waiting_prompt_tokens) == (1, 2, 500)
    assert (after.running, after.waiting, after.waiting_prompt_tokens) == (0, 0, 0)
    assert before.service_seconds == 0
    assert after.service_seconds > 1
    assert after.bytes_per_token == pytest.approx(4)


def test_a_failed_node_refuses_and_comes_back_empty() -> None:
    node = Node(KIND)
    node.admit(0.0, (1,), 100, 1001)
    node.fail()
    assert node.admit(1.0, (1,), 100, 11) is None
    node.restart()
    again = node.admit(2.0, (1,), 100, 11)
    assert again is not None
    assert again.cached_tokens == 0
    assert again.start == 2.0


def test_a_cache_forgets_the_end_of_the_chain_used_longest_ago() -> None:
    cache = PrefixCache(5)
    cache.store((1, 2, 3))
    cache.store((7, 8, 9))
    assert len(cache) == 5
    assert (cache.leading((1, 2, 3)), cache.leading((7, 8, 9))) == (2, 3)
    cache.store((1, 2))
    cache.store((20, 21))
    assert (cache.leading((1, 2)), cache.leading((7, 8, 9))) == (2, 1)


def test_a_chain_longer_than_the_cache_keeps_its_start() -> None:
    cache = PrefixCache(2)
    cache.store((1, 2, 3))
    assert cache.leading((1, 2, 3)) == 2
