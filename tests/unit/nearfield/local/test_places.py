from itertools import combinations

import pytest

from nearfield.core.errors import ConfigError
from nearfield.core.geo import distance_km
from nearfield.core.wire.node import check_name
from nearfield.local.places import CONTROL_PLANE, POPS, find_pop


def test_a_place_is_found_by_its_code() -> None:
    assert find_pop("fra1").city == "Frankfurt"


@pytest.mark.parametrize("code", ["", "FRA1", "xyz9"])
def test_a_code_that_is_nowhere_is_refused_with_those_that_are_known(code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_pop(code)
    assert caught.value.field == "pops"
    assert caught.value.limit == ", ".join(sorted(POPS))


@pytest.mark.parametrize("code", POPS)
def test_a_code_makes_the_name_of_a_node(code: str) -> None:
    check_name("pop", code)
    check_name("name", f"{code}-16")
    assert POPS[code].jurisdiction


def test_no_two_places_are_the_same() -> None:
    for one, other in combinations(POPS.values(), 2):
        assert distance_km(one.position, other.position) > 200


def test_the_control_plane_stands_at_a_known_place() -> None:
    assert CONTROL_PLANE in POPS.values()
