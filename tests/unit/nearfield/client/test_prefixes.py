import pytest

from nearfield.client import prefixes
from nearfield.client.prefixes import CLAIM_SECONDS, KEYS_REMEMBERED, Prefixes
from tests.support.nearfield_builders import FakeClock

SHARED = (11, 12, 13, 14)
"""Four steps of 256 bytes: 256 tokens at the assumed four bytes each."""
ONE, OTHER = (*SHARED, 21, 22), (*SHARED, 31)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def memory(clock: FakeClock) -> Prefixes:
    return Prefixes(clock)


def test_nothing_is_known_at_first(memory: Prefixes) -> None:
    assert memory.resident(ONE, "a") == 0
    assert not memory.knows(ONE)
    assert memory.residency(ONE, ["a", "b"]) == {}


def test_a_sibling_finds_what_was_sent_as_deep_as_both_agree(memory: Prefixes) -> None:
    memory.sent(ONE, "a")
    assert memory.resident(OTHER, "a") == 4 * 256 / 4
    assert memory.resident(ONE, "a") == 6 * 256 / 4
    assert memory.resident(OTHER, "b") == 0


def test_tokens_are_as_long_as_the_node_says(memory: Prefixes) -> None:
    memory.sent(SHARED, "a", bytes_per_token=2.0)
    assert memory.resident(SHARED, "a") == 4 * 256 / 2


def test_hints_of_the_control_plane_count_too(memory: Prefixes) -> None:
    memory.hint("a", {12: 100, 14: 230})
    memory.hint("b", {12: 90})
    assert memory.residency(ONE, ["a", "b"]) == {"a": 230, "b": 90}


def test_the_deepest_key_met_before_is_the_one_in_common(memory: Prefixes) -> None:
    memory.sent(ONE, "a")
    assert memory.deepest_common(OTHER) == 14
    assert memory.deepest_common(ONE) == 22


def test_without_any_met_before_it_is_the_first(memory: Prefixes) -> None:
    assert memory.deepest_common(ONE) == 11
    assert memory.deepest_common(()) is None


def test_a_hinted_key_was_met_too(memory: Prefixes) -> None:
    memory.hint("b", {13: 200})
    assert memory.deepest_common(ONE) == 13
    assert memory.knows(ONE)
    assert not memory.knows((99,))


def test_what_the_engine_finds_makes_a_claim_good(memory: Prefixes) -> None:
    memory.answered(memory.sent(ONE, "a"), 0)
    assert memory.resident(ONE, "a") == 384
    memory.answered(memory.sent(ONE, "a"), 370)
    assert memory.resident(ONE, "a") == 384


def test_a_miss_removes_the_claim(memory: Prefixes) -> None:
    memory.answered(memory.sent(ONE, "a"), 0)
    memory.answered(memory.sent(ONE, "a"), 64)
    assert memory.resident(ONE, "a") == 64
    assert memory.resident(ONE[:1], "a") == 64


def test_a_miss_says_nothing_of_other_nodes(memory: Prefixes) -> None:
    memory.hint("a", {14: 256})
    memory.hint("b", {14: 256})
    memory.answered(memory.sent(SHARED, "a"), 0)
    assert memory.residency(SHARED, ["a", "b"]) == {"b": 256}


def test_a_sibling_that_came_before_the_first_was_read_is_no_miss(memory: Prefixes) -> None:
    first, second = memory.sent(ONE, "a"), memory.sent(OTHER, "a")
    memory.answered(first, 0)
    memory.answered(second, 0)
    assert memory.resident(OTHER, "a") == 5 * 256 / 4


def test_what_was_not_answered_is_taken_back(memory: Prefixes) -> None:
    memory.refused(memory.sent(ONE, "a"))
    assert memory.resident(ONE, "a") == 0
    kept = memory.sent(SHARED, "a")
    memory.refused(memory.sent(ONE, "b"))
    memory.answered(kept, 0)
    assert memory.residency(ONE, ["a", "b"]) == {"a": 256}


def test_a_claim_is_not_counted_on_for_ever(memory: Prefixes, clock: FakeClock) -> None:
    memory.sent(ONE, "a")
    clock.advance(CLAIM_SECONDS)
    assert memory.resident(ONE, "a") > 0
    clock.advance(0.1)
    assert memory.resident(ONE, "a") == 0


def test_the_keys_met_last_are_remembered_and_the_shallow_ones_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert KEYS_REMEMBERED >= 1024
    monkeypatch.setattr(prefixes, "KEYS_REMEMBERED", 4)
    memory = Prefixes(FakeClock())
    memory.sent((1, 2, 3), "a")
    memory.sent((7, 8), "a")
    assert [memory.knows((key,)) for key in (1, 2, 3, 7, 8)] == [True, True, False, True, True]


def test_a_key_remembers_a_bounded_number_of_nodes(memory: Prefixes) -> None:
    for number in range(prefixes.NODES_A_KEY + 1):
        memory.sent(SHARED, f"node-{number}")
    assert memory.resident(SHARED, "node-0") == 0
    assert memory.resident(SHARED, "node-1") > 0
