import random
import re
import statistics
from collections import Counter

import pytest

from bench.scenarios.policy.cities import City, load_cities
from bench.scenarios.policy.names import Namer, jurisdiction_of
from bench.scenarios.policy.world import Site, last_mile, place_nodes, true_round_trip
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position, distance_km, expected_round_trip

CITIES = load_cities()


def placed(nodes: int, seed: int = 1, cities: tuple[City, ...] = CITIES) -> tuple[Site, ...]:
    return place_nodes(cities, nodes, random.Random(seed))


def city(name: str, population: int, longitude: float = 0.0) -> City:
    return City(name, "FR", Position(0, longitude), population)


@pytest.mark.parametrize("nodes", [1, 2, 7, 200, 1000])
def test_every_node_is_placed_under_a_name_of_its_own(nodes: int) -> None:
    sites = placed(nodes)
    assert len({site.name for site in sites}) == nodes
    assert all(re.fullmatch(r"[a-z]{3}\d+-\d+", site.name) for site in sites)


def test_half_the_nodes_cover_the_biggest_cities_and_the_rest_follow_people() -> None:
    four = (city("Aaa", 60), city("Bbb", 25), city("Ccc", 14), city("Ddd", 1))
    # 4 go one each to all four; of the other 4, quotas are 2.4, 1.0, 0.56 and 0.04.
    assert Counter(site.city for site in placed(8, cities=four)) == {0: 3, 1: 2, 2: 2, 3: 1}
    # 2 go to the first two; of the other 2, quotas are 1.2, 0.5, 0.28 and 0.02.
    assert Counter(site.city for site in placed(4, cities=four)) == {0: 2, 1: 2}


def test_nodes_of_a_city_share_a_pop_that_no_other_city_has() -> None:
    sites = placed(1000)
    assert len({site.pop for site in sites}) == len({site.city for site in sites})
    assert len({(site.pop, site.position) for site in sites}) == len({site.pop for site in sites})
    assert len({site.pop for site in sites}) < len(sites)


def test_a_pop_stands_within_its_city_and_the_seed_alone_moves_it() -> None:
    sites = placed(300)
    away = [distance_km(site.position, CITIES[site.city].position) for site in sites]
    assert statistics.mean(away) > 5
    assert max(away) < 26
    assert placed(300) == sites
    assert [site.name for site in placed(300, seed=2)] == [site.name for site in sites]
    assert placed(300, seed=2)[0].position != sites[0].position


def test_codes_are_numbered_and_made_of_letters_whatever_the_script() -> None:
    namer = Namer()
    assert [namer.pop(name, "FR") for name in ("Paris", "Parma", "Évry", "Xi'", "東京")] == [
        "par1",
        "par2",
        "evr1",
        "xif1",
        "frx1",
    ]


def test_members_of_the_union_share_a_jurisdiction() -> None:
    assert [jurisdiction_of(country) for country in ("DE", "FR", "GB", "US")] == [
        "eu",
        "eu",
        "gb",
        "us",
    ]


@pytest.mark.parametrize("nodes", [0, -1, 100_001])
def test_a_number_of_nodes_out_of_range_is_refused(nodes: int) -> None:
    with pytest.raises(InvalidRequest) as raised:
        placed(nodes)
    assert raised.value.field == "nodes"


def inflation(a: City, site: Site) -> float:
    fibre = distance_km(a.position, site.position) / 100_000
    return (true_round_trip(a, site) - last_mile(a)) / fibre


def test_paths_are_longer_than_the_map_by_what_was_measured() -> None:
    drawn = [inflation(a, site) for a in CITIES[::5] for site in placed(100)]
    assert min(drawn) >= 1.22 - 1e-9
    assert max(drawn) <= 2.27 + 1e-9
    # 7 000 draws: the median's standard error is under 0.01.
    assert statistics.median(drawn) == pytest.approx(1.73, abs=0.03)
    assert min(drawn) < 1.25
    assert max(drawn) > 2.24


def test_a_pair_of_places_has_one_inflation_in_either_direction() -> None:
    paris, oslo = city("Paris", 1, 2.0), city("Oslo", 1, 10.0)
    there = inflation(paris, Site("osl1-1", "osl1", oslo.position, "no", 1))
    back = inflation(oslo, Site("par1-1", "par1", paris.position, "eu", 0))
    assert there == pytest.approx(back)


def test_last_miles_are_mixed_and_each_city_keeps_its_own() -> None:
    counted = Counter(last_mile(a) for a in CITIES)
    assert set(counted) == {0.008, 0.020, 0.040}
    assert counted[0.008] > counted[0.020] > counted[0.040]
    here = Site("a", "a", CITIES[0].position, "jp", 0)
    assert true_round_trip(CITIES[0], here) == last_mile(CITIES[0])


def test_the_nearest_on_the_map_is_often_but_not_always_the_soonest() -> None:
    sites = {site.pop: site for site in placed(150)}.values()
    misled = 0
    for a in CITIES:
        nearest = min(sites, key=lambda site: expected_round_trip(a.position, site.position))
        soonest = min(sites, key=lambda site: true_round_trip(a, site))
        misled += nearest != soonest
    assert 0.05 < misled / len(CITIES) < 0.5
