import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_agent.ramp import RAMP_LEAST, RAMP_SECONDS, Ramp
from tests.support.node_builders import HandClock


def test_a_node_that_was_never_cold_takes_its_full_share() -> None:
    clock = HandClock()
    ramp = Ramp(clock)
    clock.now += RAMP_SECONDS / 2
    assert ramp.share == 1.0


@pytest.mark.parametrize(
    ("passed", "share"), [(0.0, 0.1), (5.0, 0.55), (9.0, 0.91), (10.0, 1.0), (60.0, 1.0)]
)
def test_the_share_rises_from_a_tenth_to_all_within_ten_seconds(
    passed: float, share: float
) -> None:
    clock = HandClock()
    ramp = Ramp(clock)
    ramp.start()
    clock.now += passed
    assert ramp.share == pytest.approx(share)


def test_a_second_start_does_not_begin_anew() -> None:
    clock = HandClock()
    ramp = Ramp(clock)
    ramp.start()
    clock.now += 5.0
    ramp.start()
    assert ramp.share == pytest.approx(0.55)


def test_a_ramp_of_no_time_is_over_at_once() -> None:
    ramp = Ramp(HandClock(), seconds=0.0)
    ramp.start()
    assert ramp.share == 1.0


@given(st.lists(st.floats(0, 100), min_size=1))
def test_the_share_never_falls_nor_leaves_its_range(steps: list[float]) -> None:
    clock = HandClock()
    ramp = Ramp(clock)
    ramp.start()
    shares = [ramp.share]
    for step in steps:
        clock.now += step
        shares.append(ramp.share)
    assert shares == sorted(shares)
    assert shares[0] == RAMP_LEAST
    assert shares[-1] <= 1.0
