from hypothesis import given
from hypothesis import strategies as some

from node_agent.pacing import FEW_STREAMS, GATHER_SECONDS, TOKENS_MOST, tokens_per_piece


@given(some.integers(0, FEW_STREAMS), some.floats(0, 1e6))
def test_a_node_with_little_to_do_sends_each_token_by_itself(streams: int, rate: float) -> None:
    assert tokens_per_piece(streams, rate) == 1


def test_a_busy_node_gathers_what_comes_within_the_time_no_reader_sees() -> None:
    assert tokens_per_piece(FEW_STREAMS + 1, 100.0) == 5


def test_slow_tokens_are_never_held_back() -> None:
    assert tokens_per_piece(1000, 10.0) == 1


def test_without_a_known_rate_nothing_is_gathered() -> None:
    assert tokens_per_piece(1000, 0.0) == 1


@given(some.integers(0, 10_000), some.floats(0, 1e6))
def test_a_piece_takes_no_longer_to_fill_than_stated(streams: int, rate: float) -> None:
    tokens = tokens_per_piece(streams, rate)
    assert 1 <= tokens <= TOKENS_MOST
    assert tokens == 1 or tokens <= rate * GATHER_SECONDS
