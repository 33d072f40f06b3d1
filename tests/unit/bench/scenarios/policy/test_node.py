import pytest

from bench.scenarios.policy.node import Node, Refusal, Service, observed
from tests.support.policy_builders import KIND, asked

BASE = KIND.base


def test_an_idle_node_takes_base_and_prefill_and_decodes_at_full_speed() -> None:
    service = Node(KIND).admit(10.0, (), 500, 101)
    assert isinstance(service, Service)
    assert service.first == pytest.approx(10.0 + BASE + 0.5)
    assert service.end == pytest.approx(service.first + 100 / 100)


def test_prefills_run_one_after_another_and_two_at_once_decode_slower() -> None:
    node = Node(KIND)
    first, second = node.admit(0.0, (), 500, 101), node.admit(0.1, (), 300, 101)
    assert isinstance(first, Service)
    assert isinstance(second, Service)
    assert second.start == pytest.approx(0.1)
    assert second.first == pytest.approx(first.first + 0.3)
    assert second.end == pytest.approx(second.first + 100 / 50)


def test_a_third_request_waits_for_the_slot_that_comes_free_first() -> None:
    node = Node(KIND)
    first, _ = node.admit(0.0, (), 500, 101), node.admit(0.0, (), 300, 1001)
    third = node.admit(0.0, (), 100, 11)
    assert isinstance(first, Service)
    assert isinstance(third, Service)
    assert third.start == pytest.approx(first.end)
    assert third.first == pytest.approx(first.end + BASE + 0.1)


def test_what_is_cached_needs_no_prefill_but_the_last_token_always_does() -> None:
    node = Node(KIND)
    node.admit(0.0, (1, 2), 150, 11)
    again = node.admit(5.0, (1, 2), 150, 11)
    whole = node.admit(9.0, (1, 2), 128, 11)
    assert isinstance(again, Service)
    assert isinstance(whole, Service)
    assert again.cached_tokens == 128
    assert again.first == pytest.approx(5.0 + BASE + 0.022)
    assert whole.cached_tokens == 127


def test_an_answer_is_cached_once_it_has_ended() -> None:
    node = Node(KIND)
    first = node.admit(0.0, (1,), 100, 101, answered=(1, 2, 3))
    assert isinstance(first, Service)
    during, after = (node.admit(at, (1, 2, 3), 300, 11) for at in (0.5, first.end + 1))
    assert isinstance(during, Service)
    assert isinstance(after, Service)
    assert (during.cached_tokens, after.cached_tokens) == (64, 192)


def test_the_gate_lets_as_many_wait_as_there_are_slots() -> None:
    node = Node(KIND)
    taken = [node.admit(0.0, (), 100, 1001) for _ in range(5)]
    assert taken[4] == Refusal()
    assert Refusal() not in taken[:4]
    assert isinstance(node.admit(1000.0, (), 100, 11), Service)


def test_a_request_that_cannot_wait_so_long_is_turned_away() -> None:
    node = Node(KIND)
    for _ in range(2):
        node.admit(0.0, (), 100, 1001)
    node.advance(100.0)
    for _ in range(2):
        node.admit(100.0, (), 100, 1001)
    refused = node.admit(100.0, (), 100, 11, budget=0.05)
    assert isinstance(refused, Refusal)
    assert refused.wait is not None
    assert refused.wait > 0.05
    assert isinstance(node.admit(100.0, (), 100, 11, budget=60.0), Service)


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
    assert node.admit(1.0, (1,), 100, 11) == Refusal()
    node.restart()
    again = node.admit(2.0, (1,), 100, 11)
    assert isinstance(again, Service)
    assert again.cached_tokens == 0
    assert again.start == 2.0


def test_a_request_from_before_the_run_holds_a_slot_and_is_learned_from_at_its_end() -> None:
    node = Node(KIND)
    seen = observed(KIND, asked(tokens=500).arrival, 0.0)
    for _ in range(KIND.slots):
        node.occupy(4.0, seen)
    assert node.load(1.0).running == KIND.slots
    late = node.admit(1.0, (), 100, 11)
    assert isinstance(late, Service)
    assert late.start == 4.0
    assert node.load(4.05).service_seconds == pytest.approx(seen.held)
