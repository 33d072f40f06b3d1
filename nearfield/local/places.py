"""Points of presence and cities a local fleet can pretend to be at."""

from dataclasses import dataclass

from nearfield.core.errors import ConfigError
from nearfield.core.geo import Position


@dataclass(frozen=True, slots=True)
class Place:
    """A city, and whose law holds there."""

    city: str
    position: Position
    jurisdiction: str


POPS = {
    "ams1": Place("Amsterdam", Position(52.37, 4.90), "eu"),
    "bom1": Place("Mumbai", Position(19.08, 72.88), "in"),
    "cdg1": Place("Paris", Position(48.86, 2.35), "eu"),
    "fra1": Place("Frankfurt", Position(50.11, 8.68), "eu"),
    "gru1": Place("São Paulo", Position(-23.55, -46.63), "br"),
    "iad1": Place("Ashburn", Position(39.04, -77.49), "us"),
    "jnb1": Place("Johannesburg", Position(-26.20, 28.05), "za"),
    "lhr1": Place("London", Position(51.51, -0.13), "uk"),
    "nrt1": Place("Tokyo", Position(35.68, 139.69), "jp"),
    "sfo1": Place("San Francisco", Position(37.77, -122.42), "us"),
    "sin1": Place("Singapore", Position(1.35, 103.82), "sg"),
    "syd1": Place("Sydney", Position(-33.87, 151.21), "au"),
}
CONTROL_PLANE = POPS["ams1"]
"""Where the emulated control plane stands."""


def find_pop(code: str) -> Place:
    """Return a point of presence by its code; raises ConfigError."""
    try:
        return POPS[code]
    except KeyError:
        known = ", ".join(sorted(POPS))
        raise ConfigError(f"no place is known for '{code}'", field="pops", limit=known) from None
