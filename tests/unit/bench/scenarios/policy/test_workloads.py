import statistics
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from bench.scenarios.policy.cities import load_cities
from bench.scenarios.policy.demand import Demand
from bench.scenarios.policy.prompts import Arrival, answered, keys
from bench.scenarios.policy.workloads import WORKLOADS, chat, independent, shared, workload
from nearfield.core.errors import InvalidRequest

CITIES = load_cities()
DEMAND = Demand(CITIES, rate=10.0, duration=900.0, seed=1)


def conversations(arrivals: list[Arrival]) -> list[list[Arrival]]:
    found: defaultdict[int | None, list[Arrival]] = defaultdict(list)
    for turn in arrivals:
        found[turn.conversation].append(turn)
    return list(found.values())


@pytest.mark.parametrize("name", list(WORKLOADS))
def test_every_workload_is_in_order_in_bounds_and_the_same_each_time(name: str) -> None:
    asked = workload(name, DEMAND)
    arrivals = list(asked.arrivals())
    assert arrivals == list(asked.arrivals())
    times = [one.at for one in arrivals]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < DEMAND.duration
    assert all(one.prompt_tokens == sum(s.tokens for s in one.prefix) for one in arrivals)
    assert all(0 <= one.city < len(CITIES) and one.answer_tokens > 0 for one in arrivals)
    other = workload(name, replace(DEMAND, seed=2)).arrivals()
    mine = {segment.id for one in arrivals for segment in one.prefix}
    assert not mine & {segment.id for one in other for segment in one.prefix}


@pytest.mark.parametrize("prompts", [independent, shared, chat])
def test_each_kind_of_prompt_meets_the_rate(prompts: object) -> None:
    arrivals = list(prompts(replace(DEMAND, duration=3000.0)))  # type: ignore[operator]
    # Conversations come in fives: 30 000 turns vary by 1.4 %.
    assert len(arrivals) == pytest.approx(30_000, rel=0.05)


def test_independent_prompts_share_no_key() -> None:
    found = [key for one in independent(DEMAND) for key in keys(one)]
    assert len(found) > 1000
    assert len(set(found)) == len(found)


def test_system_prompts_are_long_and_picked_by_zipfs_law() -> None:
    picked = Counter(one.prefix[0] for one in shared(DEMAND))
    assert 45 <= len(picked) <= 50
    assert all(500 <= system.tokens <= 4000 for system in picked)
    first, second = (times for _, times in picked.most_common(2))
    # The first of 50 gets 22 %, the second half of that.
    assert first / picked.total() == pytest.approx(0.222, abs=0.02)
    assert first / second == pytest.approx(2.0, rel=0.15)


def test_questions_behind_a_system_prompt_are_short_and_each_ones_own() -> None:
    own = [one.prefix[1:] for one in shared(DEMAND)]
    assert {len(rest) for rest in own} == {1}
    assert len({rest[0].id for rest in own}) == len(own)
    assert statistics.median(rest[0].tokens for rest in own) == pytest.approx(80, rel=0.1)


def test_a_turn_holds_all_that_was_said_and_comes_after_the_answer_was_read() -> None:
    several = [turns for turns in conversations(list(chat(DEMAND))) if len(turns) > 1]
    assert len(several) > 500
    for turns in several:
        assert len({turn.city for turn in turns}) == 1
        for before, after in pairwise(turns):
            assert after.prefix[:-1] == answered(before)
            assert after.at >= before.at + before.answer_tokens * 0.025


def test_conversations_are_under_way_when_the_run_begins() -> None:
    arrivals = list(chat(DEMAND))
    early = [turn for turn in arrivals if turn.at < 60]
    assert len(early) == pytest.approx(600, rel=0.2)
    assert any(len(turn.prefix) > 1 for turn in early)


def test_a_surge_asks_more_of_the_middle_third_alone() -> None:
    thirds = Counter(int(one.at // 300) for one in workload("surge", DEMAND).arrivals())
    assert thirds[1] > 1.15 * thirds[0]
    assert thirds[2] < 1.1 * thirds[0]


def test_a_failure_takes_one_region_away_for_the_middle_third() -> None:
    failing = workload("failure", DEMAND)
    assert failing.outage is not None
    tokyo = next(city.position for city in CITIES if city.name == "Tokyo")
    london = next(city.position for city in CITIES if city.name == "London")
    struck = [failing.outage.strikes(tokyo, at) for at in (299.0, 300.0, 599.0, 600.0)]
    assert struck == [False, True, True, False]
    assert not failing.outage.strikes(london, 450.0)
    assert workload("shared", DEMAND).outage is None


def test_an_unknown_workload_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest, match="chat") as raised:
        workload("poems", DEMAND)
    assert raised.value.field == "workload"
