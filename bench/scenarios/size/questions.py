"""What simulated clients ask, serialised beforehand."""

import random
from collections.abc import Iterator, Sequence

from bench.scenarios.fleet import SERVED_NAME
from bench.scenarios.policy.cities import City
from bench.scenarios.size.population import node_name, prefix_keys
from nearfield.core.geo import LAST_MILE_SECONDS, Position
from nearfield.core.prediction import RoundTrip, RoundTripSource
from nearfield.core.prefix import PrefixKeys
from nearfield.core.protocol import VERSION
from nearfield.core.route import RouteQuery
from nearfield.core.wire.routing import query_to_wire

DISTINCT = 4096
"""Questions, asked over and over; each from a place of its own around its city."""
PREFIX_SHARE = 1 / 3
SUBURBS_DEGREES = 0.5
MEASURED = 3
"""Round trips in a question: a client keeps as many connections warm."""
_SHARED_KEYS, _OWN_KEYS = 4, 4


def queries(nodes: int, cities: Sequence[City], token: str) -> Iterator[RouteQuery]:
    """Yield the questions of clients in random cities; the same for the same fleet."""
    rng = random.Random(nodes)
    for _ in range(DISTINCT):
        place = rng.randrange(len(cities))
        yield RouteQuery(
            SERVED_NAME,
            _near(cities[place].position, rng),
            prefix=_prefix(rng) if rng.random() < PREFIX_SHARE else None,
            prompt_size=rng.randrange(200, 20_000),
            round_trips=_measured(place, nodes, len(cities), rng),
            token=token,
        )


def questions(nodes: int, cities: Sequence[City], token: str) -> list[bytes]:
    """Return the same questions as messages."""
    asked = queries(nodes, cities, token)
    return [query_to_wire(one, VERSION).SerializeToString() for one in asked]


def _measured(place: int, nodes: int, cities: int, rng: random.Random) -> dict[str, RoundTrip]:
    """Of nodes in the client's own city, where there are any."""
    near = range(place, nodes, cities)
    return {
        node_name(number): RoundTrip(
            LAST_MILE_SECONDS * rng.uniform(0.9, 1.5), RoundTripSource.MEASURED, 0.002
        )
        for number in rng.sample(near, min(MEASURED, len(near)))
    }


def _prefix(rng: random.Random) -> PrefixKeys:
    """A prompt that starts as others do and goes on as none does."""
    keys = rng.sample(prefix_keys(), _SHARED_KEYS)
    return PrefixKeys("bench", (*keys, *(rng.getrandbits(64) for _ in range(_OWN_KEYS))))


def _near(position: Position, rng: random.Random) -> Position:
    latitude = position.latitude + rng.uniform(-SUBURBS_DEGREES, SUBURBS_DEGREES)
    longitude = position.longitude + rng.uniform(-SUBURBS_DEGREES, SUBURBS_DEGREES)
    return Position(max(-90.0, min(90.0, latitude)), max(-180.0, min(180.0, longitude)))
