"""What the clients of one network measured, and what it is worth to the others there."""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from control_plane.routing.sphere import Cell, cell_of
from nearfield.core.geo import (
    LAST_MILE_SECONDS,
    PATH_INFLATION,
    Direction,
    Position,
    direction,
    round_trip_between,
)
from nearfield.core.prediction import (
    GUESS_SPREAD,
    UNKNOWN_ROUND_TRIP,
    RoundTrip,
    RoundTripSource,
)

SAMPLES_MOST = 9
"""Of distinct clients: as many as four of them may be absurd without bending the median."""
CLIENTS_TO_BELIEVE = 3
TIMES_GEOGRAPHY_MOST = 4.0
ABOVE_GEOGRAPHY_MOST = 0.25
"""Seconds beyond that: a satellite's way. What is reported as more counts as this."""
NETWORKS_MOST = 4096
POPS_MOST = 16
"""Of one network: three times what a lease names. With all bounds reached this takes 60 MB."""
UNMOVED_SHARE = 0.05
"""Of a sample: paths waver by as much, and most leases tell what the one before told."""
_CELLS_PER_DEGREE = 0.2

_Area = tuple[str, Cell | None]


class Client(NamedTuple):
    """Who measured, and the network whose other clients may make use of it."""

    name: str
    network: str


class Learned(NamedTuple):
    """A PoP's round trip as a network measured it: seconds, half of what the middle half of
    them spans, and how far they replace geography's guess (0 to 1)."""

    seconds: float
    deviation: float
    share: float

    def round_trip(self, guess: float) -> RoundTrip:
        """Return the round trip to a node for which geography suggests `guess` seconds."""
        seconds = guess + self.share * (self.seconds - guess)
        spread = self.share * self.deviation + (1 - self.share) * GUESS_SPREAD * guess
        return RoundTrip(seconds, RoundTripSource.NETWORK, spread)


def client_of(address: str) -> Client:
    """Return who an IP address is; what is none is a network by itself.

    IPv4 by address and /24. IPv6 by /64, as one host has all of that, and /48.
    """
    if ":" not in address:
        return Client(address[:64], address[:64].rpartition(".")[0] or address[:64])
    try:
        groups = ipaddress.IPv6Address(address).exploded.split(":")
    except ValueError:
        return Client(address[:64], address[:64])
    return Client(":".join(groups[:4]), ":".join(groups[:3]))


class Networks:
    """Round trips by network, coarse place of origin and PoP; robust against who lies.

    A client has one sample for each PoP. What light could not do is dropped, the rest is
    capped; the median of three clients or more replaces geography, fewer go halfway.
    """

    def __init__(self, networks_most: int = NETWORKS_MOST) -> None:
        self._networks_most = networks_most
        self._areas: OrderedDict[_Area, OrderedDict[str, _Pop]] = OrderedDict()

    def note(
        self,
        client: Client,
        origin: Position | None,
        measured: Iterable[tuple[str, Direction, float]],
    ) -> None:
        """Take what a client measured: PoP, a node's direction and seconds of round trip."""
        area = _area(client, origin)
        pops = self._areas.setdefault(area, OrderedDict())
        self._areas.move_to_end(area)
        if len(self._areas) > self._networks_most:
            self._areas.popitem(last=False)
        here = direction(origin) if origin else None
        for pop, node, seconds in measured:
            samples = pops.get(pop)
            if samples is not None and samples.knows(client.name, seconds):
                continue
            guess = round_trip_between(here, node) if here else UNKNOWN_ROUND_TRIP
            if origin and seconds < (guess - LAST_MILE_SECONDS) / PATH_INFLATION:
                continue  # faster than light in a straight fibre
            if samples is None:
                samples = pops[pop] = _Pop()
            pops.move_to_end(pop)
            if len(pops) > POPS_MOST:
                pops.popitem(last=False)
            most = TIMES_GEOGRAPHY_MOST * guess + ABOVE_GEOGRAPHY_MOST
            samples.take(client.name, min(seconds, most))

    def learned(self, client: Client, origin: Position | None) -> Mapping[str, Learned]:
        """Return by PoP what the client's network measured."""
        pops = self._areas.get(_area(client, origin))
        return {name: pop.learned for name, pop in pops.items()} if pops else {}


class _Pop:
    """The last samples of distinct clients."""

    __slots__ = ("_samples", "learned")

    def __init__(self) -> None:
        self._samples: dict[str, float] = {}
        self.learned = Learned(0.0, 0.0, 0.0)

    def knows(self, client: str, seconds: float) -> bool:
        """Whether a client's sample says so already, near enough."""
        before = self._samples.get(client)
        return before is not None and abs(seconds - before) <= UNMOVED_SHARE * before

    def take(self, client: str, seconds: float) -> None:
        self._samples.pop(client, None)
        self._samples[client] = seconds
        if len(self._samples) > SAMPLES_MOST:
            del self._samples[next(iter(self._samples))]
        ordered = sorted(self._samples.values())
        half, quarter = len(ordered) // 2, len(ordered) // 4
        middle = (ordered[half] + ordered[-1 - half]) / 2
        deviation = (ordered[-1 - quarter] - ordered[quarter]) / 2
        believed = len(self._samples) >= CLIENTS_TO_BELIEVE
        self.learned = Learned(middle, deviation, 1.0 if believed else 0.5)


def _area(client: Client, origin: Position | None) -> _Area:
    return client.network, cell_of(origin, _CELLS_PER_DEGREE) if origin else None
