"""Where people and nodes are, and how long the network between them really takes.

The real round trips are invented but fixed: any two runs agree on them without a seed, so a
policy may measure them and none may guess them from the map.
"""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.scenarios.policy.cities import City
from bench.scenarios.policy.names import Namer, jurisdiction_of
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import (
    EARTH_RADIUS_KM,
    KM_PER_ROUND_TRIP_MS,
    Position,
    distance_km,
)

NODES_MOST = 100_000
POP_FROM_CENTRE_KM = 25.0
"""Data centres stand at a city's edge, where land and power are."""
INFLATION_LEAST, INFLATION_MEDIAN, INFLATION_MOST = 1.22, 1.73, 2.27
"""Measured over 15 pairs of cities; `nearfield.core.geo` knows the median alone."""
LAST_MILES = ((0.5, 0.008), (0.85, 0.020), (1.0, 0.040))
"""Up to this share of cities, seconds: wired, Wi-Fi, cellular. The shares are an assumption."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where one node stands. All sites of a PoP share its position; `city` is an index."""

    name: str
    pop: str
    position: Position
    jurisdiction: str
    city: int


def place_nodes(cities: Sequence[City], nodes: int, rng: random.Random) -> tuple[Site, ...]:
    """Spread `nodes` nodes, one PoP a city, the most populous city first.

    Half of them go one each to the biggest cities, so that the map is covered; the others to
    all cities by population, by largest remainder. `rng` only moves each PoP within its city.
    Raises InvalidRequest.
    """
    if not 1 <= nodes <= NODES_MOST:
        limit = f"1 to {NODES_MOST}"
        raise InvalidRequest(f"{nodes} nodes is not {limit}", field="nodes", limit=limit)
    if not cities:
        raise InvalidRequest("no cities to place nodes in", field="cities", limit="1 or more")
    biggest = sorted(range(len(cities)), key=lambda index: -cities[index].population)
    seats = Counter(biggest[: (nodes + 1) // 2])
    seats.update(_by_population(cities, nodes - seats.total()))
    namer = Namer()
    return tuple(
        site
        for index in biggest
        if seats[index]
        for site in _pop(index, cities[index], seats[index], namer, rng)
    )


def true_round_trip(city: City, site: Site) -> float:
    """Return the seconds of one round trip, the same for every site of a PoP.

    The great circle through fibre, times an inflation of this pair of places, plus the last
    mile of this city.
    """
    fibre = distance_km(city.position, site.position) / KM_PER_ROUND_TRIP_MS / 1000
    pair = "/".join(sorted((_place(city.position), _place(site.position))))
    return fibre * _inflation(_share(f"path {pair}")) + last_mile(city)


def last_mile(city: City) -> float:
    """Return the seconds a round trip spends between a user of this city and the network."""
    drawn = _share(f"last mile {_place(city.position)}")
    return next(seconds for most, seconds in LAST_MILES if drawn < most)


def _by_population(cities: Sequence[City], nodes: int) -> Counter[int]:
    total = sum(city.population for city in cities)
    # Whole numbers, so that no rounding decides between two cities.
    quotas = [divmod(city.population * nodes, total) for city in cities]
    seats = Counter({index: whole for index, (whole, _) in enumerate(quotas)})
    by_remainder = sorted(range(len(cities)), key=lambda index: -quotas[index][1])
    seats.update(by_remainder[: nodes - seats.total()])
    return seats


def _pop(index: int, city: City, nodes: int, namer: Namer, rng: random.Random) -> tuple[Site, ...]:
    pop = namer.pop(city.name, city.country)
    position = _moved(city.position, rng)
    jurisdiction = jurisdiction_of(city.country)
    return tuple(
        Site(f"{pop}-{number}", pop, position, jurisdiction, index)
        for number in range(1, nodes + 1)
    )


def _moved(position: Position, rng: random.Random) -> Position:
    north = math.degrees(rng.uniform(-1, 1) * POP_FROM_CENTRE_KM / 2**0.5 / EARTH_RADIUS_KM)
    east = math.degrees(rng.uniform(-1, 1) * POP_FROM_CENTRE_KM / 2**0.5 / EARTH_RADIUS_KM)
    latitude = max(-89.0, min(89.0, position.latitude + north))
    longitude = position.longitude + east / math.cos(math.radians(latitude))
    return Position(latitude, (longitude + 180) % 360 - 180)


def _inflation(drawn: float) -> float:
    """Map 0..1 so that the halves lie on either side of the median."""
    if drawn < 0.5:
        return INFLATION_LEAST + (INFLATION_MEDIAN - INFLATION_LEAST) * 2 * drawn
    return INFLATION_MEDIAN + (INFLATION_MOST - INFLATION_MEDIAN) * (2 * drawn - 1)


def _place(position: Position) -> str:
    return f"{position.latitude:.4f},{position.longitude:.4f}"


def _share(text: str) -> float:
    """Return a number from 0 to below 1 that the text alone decides."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53
