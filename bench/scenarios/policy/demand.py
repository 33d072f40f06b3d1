"""When and where requests come from: Poisson, following people and their hour of the day."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.scenarios.policy.cities import City
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position, distance_km

STEP_SECONDS = 60.0
"""Rates stand still this long: 0.2 % of a day's course."""
BUSIEST_HOUR = 16.0
DAILY_SWING = 0.6
"""The busiest hour has 1.6 times the mean, the quietest 0.4: an assumption."""
SURGE_FACTOR = 5.0
_STREAM = 1
"""Apart from the prompts' draws of the same seed."""


@dataclass(frozen=True, slots=True)
class Region:
    """All within `radius_km` of a place."""

    centre: Position
    radius_km: float = 1500.0

    def holds(self, position: Position) -> bool:
        """Return whether a place lies in it."""
        return distance_km(self.centre, position) <= self.radius_km


@dataclass(frozen=True, slots=True)
class Event:
    """Something that befalls a region from `start` to before `end`, in seconds."""

    region: Region
    start: float
    end: float

    def strikes(self, position: Position, at: float) -> bool:
        """Return whether this place is struck at this moment."""
        return self.start <= at < self.end and self.region.holds(position)


@dataclass(frozen=True, slots=True)
class Demand:
    """`rate` requests a second over all `cities`, on average over `duration` seconds.

    `hour` is UTC at the start. During `surge` its region's rate is five times what it
    was, on top of `rate`. Raises InvalidRequest.
    """

    cities: tuple[City, ...]
    rate: float
    duration: float
    seed: int
    hour: float = 12.0
    surge: Event | None = None

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)
        _check_positive("duration", self.duration)
        if not 0 <= self.hour < 24:  # true for NaN as well
            raise InvalidRequest(f"hour {self.hour} is not 0 to 24", field="hour", limit="0 to 24")
        if not self.cities:
            raise InvalidRequest("no cities", field="cities", limit="1 or more")

    def at_rate(self, rate: float) -> "Demand":
        """Return the same at another mean rate."""
        return replace(self, rate=rate)

    def moments(self, lead: float = 0.0) -> Iterator[tuple[float, int]]:
        """Yield (seconds, index of the city) in order of time, from `lead` seconds before 0."""
        rng = np.random.default_rng([self.seed, _STREAM])
        course = _Course(self)
        scale = self.rate / course.mean()
        for start, end in course.steps(-lead):
            rates = course.weights(start) * scale
            count = int(rng.poisson(rates.sum() * (end - start)))
            times = np.sort(rng.uniform(start, end, count))
            cities = rng.choice(len(rates), size=count, p=rates / rates.sum())
            yield from zip(times.tolist(), cities.tolist(), strict=True)


def offered_rate(load: float, slots: int, service_seconds: Sequence[float]) -> float:
    """Return the requests a second that keep `load` (above 0) of all nodes' slots busy.

    `service_seconds` is what a sample of requests holds a slot for. Raises InvalidRequest.
    """
    _check_positive("load", load)
    _check_positive("slots", slots)
    _check_positive("service_seconds", sum(service_seconds))
    return load * slots * len(service_seconds) / sum(service_seconds)


class _Course:
    """How the cities' weights run over time, before they are scaled to a rate."""

    def __init__(self, demand: Demand) -> None:
        self._demand = demand
        self._population = np.array([city.population for city in demand.cities], dtype=float)
        # Solar time, as the list of cities has no time zones.
        self._hours = np.array([c.position.longitude / 15 for c in demand.cities]) + demand.hour
        self._surge = np.ones(len(demand.cities))
        if demand.surge is not None:
            struck = [demand.surge.region.holds(city.position) for city in demand.cities]
            self._surge[struck] = SURGE_FACTOR

    def steps(self, first: float) -> list[tuple[float, float]]:
        """Return [start, end) stretches; a surge begins and ends between two of them."""
        demand = self._demand
        edges = {first, demand.duration}
        edges.update(np.arange(first, demand.duration, STEP_SECONDS).tolist())
        if demand.surge is not None:
            edges.update(t for t in (demand.surge.start, demand.surge.end) if t > first)
        ordered = sorted(edge for edge in edges if edge <= demand.duration)
        return list(pairwise(ordered))

    def weights(self, at: float) -> NDArray[np.float64]:
        """Return each city's weight in the step that starts at `at`."""
        surge = self._demand.surge
        usual = self._usual(at)
        surging = surge is not None and surge.start <= at < surge.end
        return usual * self._surge if surging else usual

    def mean(self) -> float:
        """Return the mean over the run of all cities' weights together, without a surge."""
        parts = [self._usual(a).sum() * (b - a) for a, b in self.steps(0.0)]
        return float(sum(parts) / self._demand.duration)

    def _usual(self, at: float) -> NDArray[np.float64]:
        angle = (self._hours + at / 3600 - BUSIEST_HOUR) * (2 * np.pi / 24)
        return self._population * (1 + DAILY_SWING * np.cos(angle))


def _check_positive(field: str, value: float) -> None:
    if not 0 < value < math.inf:  # true for NaN as well
        raise InvalidRequest(f"{field} {value} is not above 0", field=field, limit="above 0")
