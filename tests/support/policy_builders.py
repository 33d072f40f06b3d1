"""Small worlds and requests for tests of the policy bench."""

from bench.scenarios.policy.cities import City
from bench.scenarios.policy.fleet import Distances, World
from bench.scenarios.policy.node import Kind
from bench.scenarios.policy.policies.base import Asked, Call, Fleet
from bench.scenarios.policy.prompts import Segment, answered_keys, arrival, keys
from bench.scenarios.policy.world import Site
from nearfield.core.geo import Position

PLACES = {
    "London": Position(51.51, -0.13),
    "Paris": Position(48.86, 2.35),
    "Tokyo": Position(35.68, 139.69),
}
CITIES = tuple(City(name, "XX", where, 1_000_000) for name, where in PLACES.items())
KIND = Kind("test", slots=2, prefill=1000, decode_alone=100, decode_full=50, cache_blocks=100)


def world(*pops: tuple[str, int], kind: Kind = KIND) -> World:
    """Return a world with so many nodes at each city named."""
    sites = tuple(
        Site(f"{name}-{number}", name, PLACES[name], "xx", list(PLACES).index(name))
        for name, nodes in pops
        for number in range(nodes)
    )
    return World(CITIES, sites, (kind,) * len(sites))


def fleet(*pops: tuple[str, int], kind: Kind = KIND) -> Fleet:
    """Return the fleet of such a world."""
    built = world(*pops, kind=kind)
    return Fleet(built, Distances(built))


def asked(
    at: float = 0.0, city: str = "London", own: int = 1, tokens: int = 100, *shared: Segment
) -> Asked:
    """Return a request for 11 tokens whose last segment is `own`."""
    prefix = (*shared, Segment(own, tokens))
    one = arrival(at, list(PLACES).index(city), prefix, 11)
    return Asked(one, keys(one), answered_keys(one))


def call(number: int = 0, city: str = "London", *shared: Segment) -> Call:
    """Return a request on its way."""
    return Call(number, asked(0.0, city, 1000 + number, 100, *shared))
