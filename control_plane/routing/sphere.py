"""Distance on the Earth for many nodes at once: `nearfield.core.geo` in arrays."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nearfield.core.geo import (
    LAST_MILE_SECONDS,
    SECONDS_PER_RADIAN,
    Position,
    direction,
)

Floats = NDArray[np.float64]
CELLS_PER_DEGREE = 2
"""Half a degree: no place lies further than 40 km from its cell's centre, 0.7 ms of round trip."""

Cell = tuple[int, int]


def unit_vector(position: Position) -> Floats:
    """Return a place as three coordinates on a sphere of radius 1."""
    return np.array(direction(position), np.float64)


def expected_round_trips(cosines: Floats) -> Floats:
    """Return seconds of round trip for cosines of angles, as `geo.expected_round_trip` would."""
    angles = np.arccos(np.clip(cosines, -1.0, 1.0))
    return angles * SECONDS_PER_RADIAN + LAST_MILE_SECONDS


def cell_of(position: Position, per_degree: float = CELLS_PER_DEGREE) -> Cell:
    """Return the cell a place lies in."""
    return round(position.latitude * per_degree), round(position.longitude * per_degree)


@lru_cache(4096)
def unit_of(cell: Cell) -> Floats:
    """Return a cell's middle as a unit vector; it is everyone's, and not to be changed."""
    return unit_vector(centre_of(cell))


def centre_of(cell: Cell) -> Position:
    """Return the middle of a cell of CELLS_PER_DEGREE."""
    return Position(cell[0] / CELLS_PER_DEGREE, cell[1] / CELLS_PER_DEGREE)
