"""How much is asked for, as rates that decay."""

import pytest

from control_plane.placement.demand import HALF_LIFE_SECONDS, PAIRS_MOST, Demand
from tests.support.plane_builders import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def demand(clock: FakeClock) -> Demand:
    return Demand(clock)


def test_a_steady_stream_reads_as_its_requests_a_second(clock: FakeClock, demand: Demand) -> None:
    for _ in range(6000):
        demand.note("m", "fra1")
        clock.advance(0.1)
    assert demand.snapshot() == {("m", "fra1"): pytest.approx(10.0, rel=0.01)}


def test_half_is_gone_after_a_half_life(clock: FakeClock, demand: Demand) -> None:
    demand.note("m", "fra1")
    before = demand.snapshot()["m", "fra1"]
    clock.advance(HALF_LIFE_SECONDS)
    assert demand.snapshot()["m", "fra1"] == pytest.approx(before / 2)


def test_models_and_places_are_told_apart(demand: Demand) -> None:
    for model, pop in [("m", "fra1"), ("m", "nrt1"), ("n", "fra1"), ("m", "fra1")]:
        demand.note(model, pop)
    rates = demand.snapshot()
    assert rates["m", "fra1"] == 2 * rates["m", "nrt1"] == 2 * rates["n", "fra1"]


def test_what_nobody_asks_for_any_more_is_forgotten(clock: FakeClock, demand: Demand) -> None:
    demand.note("m", "fra1")
    clock.advance(10 * HALF_LIFE_SECONDS - 1)
    assert demand.snapshot()
    clock.advance(2)
    assert demand.snapshot() == {}
    assert demand._rates == {}


def test_a_flood_of_names_pushes_out_the_least_wanted(demand: Demand) -> None:
    for _ in range(3):
        demand.note("m", "fra1")
    for index in range(2 * PAIRS_MOST):
        demand.note(f"made-up-{index}", "fra1")
    rates = demand.snapshot()
    assert len(rates) == PAIRS_MOST
    assert ("m", "fra1") in rates


def test_requests_may_be_counted_many_at_once(demand: Demand) -> None:
    demand.note("m", "fra1", 3)
    demand.note("m", "nrt1")
    rates = demand.snapshot()
    assert rates["m", "fra1"] == pytest.approx(3 * rates["m", "nrt1"])
