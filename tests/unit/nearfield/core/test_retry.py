import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.retry import Backoff


@given(attempt=st.integers(0, 10_000), seed=st.integers())
def test_a_pause_lies_in_the_upper_half_below_its_ceiling(attempt: int, seed: int) -> None:
    backoff = Backoff(first=0.2, factor=2.0, most=5.0)
    ceiling = min(5.0, 0.2 * 2.0 ** min(attempt, 30))
    assert ceiling / 2 <= backoff.delay(attempt, random.Random(seed)) <= ceiling


def test_ceilings_grow_from_the_first_to_the_most() -> None:
    class Highest(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return b

    pauses = [Backoff(0.5, 3.0, 10.0).delay(attempt, Highest()) for attempt in range(5)]
    assert pauses == pytest.approx([0.5, 1.5, 4.5, 10.0, 10.0])


def test_two_callers_do_not_come_back_at_once() -> None:
    pauses = {Backoff().delay(3, random.Random(seed)) for seed in range(100)}
    assert len(pauses) == 100
