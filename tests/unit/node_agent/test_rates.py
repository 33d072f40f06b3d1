import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.engine.base import EngineTimings
from node_agent.rates import Rates


def test_nothing_is_known_before_the_first_request() -> None:
    rates = Rates()
    assert rates.prefill_tokens_per_second == 0
    assert rates.decode_tokens_per_second == 0
    assert rates.base_seconds == 0


def test_the_first_request_sets_the_rates() -> None:
    rates = Rates()
    rates.observe(100, 11, EngineTimings(prefill=0.1, decode=0.5))
    assert rates.prefill_tokens_per_second == pytest.approx(1000)
    assert rates.decode_tokens_per_second == pytest.approx(20)
    assert rates.base_seconds == 0.1


def test_a_later_request_counts_for_a_tenth() -> None:
    rates = Rates()
    rates.observe(100, 11, EngineTimings(prefill=0.1, decode=0.5))
    rates.observe(200, 11, EngineTimings(prefill=0.1, decode=0.25))
    assert rates.prefill_tokens_per_second == pytest.approx(1100)
    assert rates.decode_tokens_per_second == pytest.approx(22)


def test_the_base_is_the_shortest_prefill_seen() -> None:
    rates = Rates()
    for prefill in (0.3, 0.02, 0.5):
        rates.observe(0, 1, EngineTimings(prefill=prefill))
    assert rates.base_seconds == 0.02


def test_a_cached_prompt_says_nothing_of_the_prefill_rate() -> None:
    rates = Rates()
    rates.observe(15, 1, EngineTimings(prefill=0.001))
    assert rates.prefill_tokens_per_second == 0


def test_one_token_says_nothing_of_the_decode_rate() -> None:
    rates = Rates()
    rates.observe(100, 1, EngineTimings(prefill=0.1, decode=0.1))
    assert rates.decode_tokens_per_second == 0


spans = st.just(0.0) | st.floats(1e-6, 10)
timings = st.builds(EngineTimings, prefill=spans, decode=spans)


@given(st.lists(st.tuples(st.integers(0, 4096), st.integers(0, 4096), timings)))
def test_rates_stay_within_what_was_seen(seen: list[tuple[int, int, EngineTimings]]) -> None:
    rates = Rates()
    for prefilled, written, timing in seen:
        rates.observe(prefilled, written, timing)
    highest = max((p / t.prefill for p, _, t in seen if t.prefill), default=0.0)
    assert 0 <= rates.prefill_tokens_per_second <= highest * 1.000001
    assert rates.base_seconds == min((t.prefill for *_, t in seen if t.prefill), default=0.0)
