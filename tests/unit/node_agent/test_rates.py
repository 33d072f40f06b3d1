from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.rates import Observation, Rates


def seen(**changes: Any) -> Observation:
    values: dict[str, Any] = {
        "prompt_bytes": 400,
        "prompt_tokens": 100,
        "cached_tokens": 0,
        "written": 11,
        "first_token": 0.1,
        "decode": 0.5,
        "held": 0.6,
    }
    return Observation(**{**values, **changes})


def test_nothing_is_known_before_the_first_request() -> None:
    rates = Rates()
    assert rates.prefill_tokens_per_second == 0
    assert rates.decode_tokens_per_second == 0
    assert rates.base_seconds == 0
    assert rates.bytes_per_token == 0
    assert rates.service_seconds == 0


def test_prompts_of_one_length_tell_the_base_alone() -> None:
    rates = Rates()
    for _ in range(5):
        rates.observe(seen())
    assert rates.base_seconds == pytest.approx(0.1)
    assert 100 / rates.prefill_tokens_per_second < 0.001


def test_prompts_of_two_lengths_tell_base_and_rate_apart() -> None:
    rates = Rates()
    for tokens in (100, 1000) * 10:
        rates.observe(seen(prompt_tokens=tokens, first_token=0.02 + tokens / 5000))
    assert rates.base_seconds == pytest.approx(0.02)
    assert rates.prefill_tokens_per_second == pytest.approx(5000)


def test_cached_tokens_count_as_no_prefill() -> None:
    rates = Rates()
    for cached in (0, 900) * 10:
        left = 1000 - cached
        rates.observe(
            seen(prompt_tokens=1000, cached_tokens=cached, first_token=0.01 + left / 2000)
        )
    assert rates.base_seconds == pytest.approx(0.01)
    assert rates.prefill_tokens_per_second == pytest.approx(2000)


def test_a_stall_does_not_become_the_rate() -> None:
    rates = Rates()
    for tokens in (100, 1000) * 20:
        rates.observe(seen(prompt_tokens=tokens, first_token=0.02 + tokens / 5000))
    rates.observe(seen(first_token=60.0))
    assert rates.base_seconds < 0.05


def test_a_host_that_stalls_every_fifth_time_is_as_fast_as_it_is_otherwise() -> None:
    rates = Rates()
    for number, tokens in enumerate((30, 200, 1000, 1600) * 10):
        stall = 0.3 if number % 5 == 0 else 0.0
        rates.observe(seen(prompt_tokens=tokens, first_token=0.01 + tokens / 5000 + stall))
    assert rates.base_seconds == pytest.approx(0.01, abs=0.001)
    assert rates.prefill_tokens_per_second == pytest.approx(5000, rel=0.02)


def test_prompts_of_almost_one_length_do_not_tell_the_slope() -> None:
    rates = Rates()
    for tokens in range(100, 110):
        rates.observe(seen(prompt_tokens=tokens, first_token=0.04 - (tokens - 100) / 5000))
    for _ in range(3):
        rates.observe(seen(prompt_tokens=1000, first_token=0.22))
    assert rates.prefill_tokens_per_second == pytest.approx(5000, rel=0.03)


def test_a_line_that_would_start_below_zero_starts_at_zero() -> None:
    rates = Rates()
    for tokens in (100, 1000) * 10:
        rates.observe(seen(prompt_tokens=tokens, first_token=tokens**2 / 1e7))
    assert rates.base_seconds == 0
    assert 1000 <= rates.prefill_tokens_per_second <= 100_000


def test_a_node_that_grew_slower_is_learned_anew() -> None:
    rates = Rates()
    for _ in range(50):
        rates.observe(seen(first_token=0.01))
    for _ in range(200):
        rates.observe(seen(first_token=0.03))
    assert rates.base_seconds == pytest.approx(0.03, rel=0.05)


def test_one_token_says_nothing_of_the_decode_rate() -> None:
    rates = Rates()
    rates.observe(seen(written=1, decode=0.1))
    assert rates.decode_tokens_per_second == 0


def test_a_later_request_counts_for_a_tenth() -> None:
    rates = Rates()
    rates.observe(seen())
    rates.observe(seen(decode=0.25, held=1.6, prompt_bytes=800))
    assert rates.decode_tokens_per_second == pytest.approx(22)
    assert rates.service_seconds == pytest.approx(0.7)
    assert rates.bytes_per_token == pytest.approx(4.4)


def test_the_engines_warm_up_gives_a_first_idea() -> None:
    rates = Rates()
    rates.begin_with(((32, 0.01 + 32 / 4000), (512, 0.01 + 512 / 4000)))
    assert rates.base_seconds == pytest.approx(0.01)
    assert rates.prefill_tokens_per_second == pytest.approx(4000)
    assert (rates.service_seconds, rates.decode_tokens_per_second) == (0, 0)


observations = st.builds(
    Observation,
    prompt_bytes=st.integers(0, 10_000),
    prompt_tokens=st.integers(1, 4096),
    cached_tokens=st.integers(0, 4096),
    written=st.integers(0, 4096),
    first_token=st.floats(0, 100),
    decode=st.floats(0, 100),
    held=st.floats(0, 100),
)


@given(st.lists(observations, min_size=1))
def test_no_traffic_makes_a_rate_negative_or_the_prefill_endless(
    traffic: list[Observation],
) -> None:
    rates = Rates()
    for observation in traffic:
        rates.observe(observation)
    longest = max(observation.first_token for observation in traffic)
    assert 0 <= rates.base_seconds <= longest * 1.000001
    if longest:
        assert 0 < rates.prefill_tokens_per_second <= 1_000_000
