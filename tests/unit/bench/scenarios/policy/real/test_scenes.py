from collections import Counter

import pytest

from bench.scenarios.policy.real.scenes import (
    CHAT,
    FAILURE,
    INDEPENDENT,
    SCENES,
    SHARED,
    SURGED,
    TURNS,
    Ask,
    Demand,
    build,
    greetings,
    introductions,
)
from nearfield.core.errors import InvalidRequest
from nearfield.core.prefix import STEP_BYTES, canonical

DEMAND = Demand(rate=20.0, seconds=30.0, places=5, seed="1.0")


def starts(asks: tuple[Ask, ...]) -> set[bytes]:
    return {canonical(ask.prompt)[:STEP_BYTES] for ask in asks}


@pytest.mark.parametrize("name", list(SCENES))
def test_every_scene_is_in_order_in_bounds_and_the_same_each_time(name: str) -> None:
    scene = build(name, DEMAND, "tag1")
    assert scene == build(name, DEMAND, "tag1")
    times = [ask.at for ask in scene.asks]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < DEMAND.seconds
    assert {ask.place for ask in scene.asks} == set(range(DEMAND.places))


@pytest.mark.parametrize("name", list(SCENES))
def test_another_tag_asks_the_same_of_other_caches(name: str) -> None:
    mine, theirs = build(name, DEMAND, "tag1").asks, build(name, DEMAND, "tag2").asks
    assert [(one.at, one.place) for one in mine] == [(one.at, one.place) for one in theirs]
    sizes = [[len(canonical(one.prompt)) for one in asks] for asks in (mine, theirs)]
    assert sizes[0] == sizes[1]
    assert not starts(mine) & starts(theirs)


def test_independent_prompts_share_no_start() -> None:
    asks = build(INDEPENDENT, DEMAND, "tag1").asks
    assert len(starts(asks)) == len(asks)


def test_shared_prompts_start_as_one_of_two() -> None:
    assert len(starts(build(SHARED, DEMAND, "tag1").asks)) == 2


def test_system_prompts_last_from_round_to_round_and_from_scene_to_scene() -> None:
    later = Demand(rate=20.0, seconds=30.0, places=5, seed="1.1")
    first, second = build(SHARED, DEMAND, "tag1").asks, build(SURGED, later, "tag1").asks
    assert starts(first) == starts(second) == starts(introductions(5, "tag1"))
    own = [build(INDEPENDENT, demand, "tag1").asks for demand in (DEMAND, later)]
    assert not starts(own[0]) & starts(own[1])


def test_introductions_come_from_each_place_behind_each_system_prompt() -> None:
    asks = introductions(5, "t")
    pairs = Counter((ask.place, canonical(ask.prompt)) for ask in asks)
    assert len(asks) == len(pairs) == 10


def test_a_turn_starts_with_all_that_was_said_before_it() -> None:
    asks = build(CHAT, DEMAND, "tag1").asks
    prompts = sorted((canonical(ask.prompt) for ask in asks), key=len)
    later = [one for one in prompts if any(one != two and one.startswith(two) for two in prompts)]
    depths = Counter(sum(one.startswith(two) for two in prompts) for one in prompts)
    assert len(later) > len(asks) / 2
    assert max(depths) == TURNS


def test_a_surge_is_five_times_one_place_in_the_middle_third() -> None:
    long = Demand(rate=20.0, seconds=300.0, places=5, seed="1.0")
    plain, surged = build(SHARED, long, "t").asks, build(SURGED, long, "t").asks
    middle = [ask for ask in surged if ask.place == 0 and 100 <= ask.at < 200]
    assert len(middle) == pytest.approx(5 * 4 * 100, rel=0.1)
    around = Counter(ask.place for ask in surged if not 100 <= ask.at < 200)
    assert around == Counter(ask.place for ask in plain if not 100 <= ask.at < 200)


def test_only_a_failure_has_an_outage_and_it_is_the_middle_third() -> None:
    outages = {name: build(name, DEMAND, "t").outage for name in SCENES}
    assert outages.pop(FAILURE) == (10.0, 20.0)
    assert set(outages.values()) == {None}


def test_greetings_come_twice_from_each_place() -> None:
    assert Counter(ask.place for ask in greetings(5, "t")) == dict.fromkeys(range(5), 2)


def test_an_unknown_scene_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest) as caught:
        build("rush", DEMAND, "t")
    assert (caught.value.field, caught.value.limit) == ("scene", ", ".join(SCENES))
