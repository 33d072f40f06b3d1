import math
import statistics
from itertools import islice, pairwise

import pytest

from bench.scenarios.policy.cities import City, load_cities
from bench.scenarios.policy.demand import Demand, Event, Region, offered_rate
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position

CITIES = load_cities()
HERE = City("Here", "FR", Position(0, 0), 3_000_000)
FAR = City("Far", "FJ", Position(0, 180), 1_000_000)


def demand(**changes: object) -> Demand:
    fields: dict[str, object] = {"cities": CITIES, "rate": 10.0, "duration": 2000.0, "seed": 1}
    return Demand(**{**fields, **changes})  # type: ignore[arg-type]


def counted(asked: Demand, city: int, start: float, end: float) -> int:
    return sum(at >= start and at < end and where == city for at, where in asked.moments())


def test_arrivals_come_in_order_at_the_mean_rate_within_the_run() -> None:
    times = [at for at, _ in demand().moments()]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] < 2000
    # 20 000 arrivals: one standard deviation is 0.7 %.
    assert len(times) == pytest.approx(20_000, rel=0.03)


def test_gaps_spread_as_those_of_a_poisson_process() -> None:
    times = [at for at, _ in demand().moments()]
    gaps = [after - before for before, after in pairwise(times)]
    assert statistics.stdev(gaps) == pytest.approx(statistics.mean(gaps), rel=0.04)


def test_cities_ask_by_population_where_the_hour_is_as_busy() -> None:
    twins = (HERE, City("Twin", "FR", Position(10, 0), 1_000_000))
    where = [city for _, city in demand(cities=twins).moments()]
    assert where.count(0) / len(where) == pytest.approx(0.75, abs=0.015)


def test_the_afternoon_asks_four_times_as_much_as_the_night() -> None:
    even = (HERE, City("Far", "FJ", Position(0, 180), HERE.population))
    afternoon = demand(cities=even, hour=16.0, duration=1200.0, rate=20.0)
    where = [city for _, city in afternoon.moments()]
    assert where.count(0) / where.count(1) == pytest.approx(4.0, rel=0.08)


def test_a_whole_day_brings_its_mean_whatever_the_hour_it_begins() -> None:
    for hour in (4.0, 16.0):
        day = demand(cities=(HERE,), rate=0.2, duration=86_400.0, hour=hour)
        assert sum(1 for _ in day.moments()) == pytest.approx(17_280, rel=0.03)


def test_a_surge_makes_its_region_ask_five_times_as_much_and_no_other() -> None:
    surge = Event(Region(HERE.position), 610.0, 1210.0)
    surging = demand(cities=(HERE, FAR), surge=surge, rate=20.0)
    usual = demand(cities=(HERE, FAR), rate=20.0)
    for city, factor in ((0, 5.0), (1, 1.0)):
        before = counted(usual, city, 610, 1210)
        assert counted(surging, city, 610, 1210) / before == pytest.approx(factor, rel=0.12)
        outside = counted(usual, city, 0, 610) + counted(usual, city, 1210, 2000)
        found = counted(surging, city, 0, 610) + counted(surging, city, 1210, 2000)
        assert found / outside == pytest.approx(1.0, rel=0.1)


def test_the_same_seed_asks_the_same_and_another_does_not() -> None:
    assert list(demand().moments()) == list(demand().moments())
    assert not set(demand().moments()) & set(demand(seed=2).moments())


def test_a_long_run_is_drawn_only_as_far_as_it_is_read() -> None:
    long = demand(rate=10_000.0, duration=2e6).moments()
    assert len(list(islice(long, 5))) == 5


def test_a_lead_begins_before_the_run() -> None:
    times = [at for at, _ in demand().moments(lead=300.0)]
    assert -300 <= times[0] < -290
    assert sum(at < 0 for at in times) == pytest.approx(3000, rel=0.08)


def test_an_event_strikes_its_region_from_its_start_to_before_its_end() -> None:
    event = Event(Region(HERE.position, 500.0), 10.0, 20.0)
    near = Position(0, 4.4)  # 489 km
    assert [event.strikes(near, at) for at in (9.9, 10.0, 19.9, 20.0)] == [False, True, True, False]
    assert not event.strikes(Position(0, 4.6), 15.0)


def test_the_offered_rate_keeps_that_share_of_slots_busy() -> None:
    # Requests hold a slot for 4 s on average, so 80 slots finish 20 a second.
    assert offered_rate(0.7, 80, [2.0, 6.0]) == pytest.approx(14.0)


@pytest.mark.parametrize("load", [0.0, -1.0, math.nan, math.inf])
def test_a_load_out_of_range_is_refused(load: float) -> None:
    with pytest.raises(InvalidRequest) as raised:
        offered_rate(load, 80, [1.0])
    assert raised.value.field == "load"


@pytest.mark.parametrize(
    ("field", "value"),
    [("rate", 0.0), ("duration", math.nan), ("hour", 24.0), ("hour", math.nan), ("cities", ())],
)
def test_a_demand_out_of_range_is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as raised:
        demand(**{field: value})
    assert raised.value.field == field
