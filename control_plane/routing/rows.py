"""The nearest nodes of each place, found once for all who ask from there."""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from control_plane.routing.map import RoutingMap
from control_plane.routing.sphere import (
    Cell,
    Floats,
    cell_of,
    expected_round_trips,
    unit_of,
)
from nearfield.core.clock import Clock
from nearfield.core.constraints import Constraints
from nearfield.core.geo import Position
from nearfield.core.prediction import UNKNOWN_ROUND_TRIP

ROW_NODES = 256
"""Scoring these takes 20 µs, however large the fleet is."""
BYTES_MOST = 64 * 2**20
REBUILT_AFTER = 1.0
"""Seconds: while thousands of nodes join, a row is not made anew for each of them."""
_ROW_BYTES = 1024
"""Of a row's key and of its objects, beside the arrays."""

Slots = NDArray[np.intp]
_Key = tuple[Cell | None, str, Constraints, "Reach"]


class Reach(Enum):
    """Which of the nodes that meet the constraints a row holds."""

    NEAREST = "nearest"
    ALL = "all"
    CORE = "core"


@dataclass(frozen=True, slots=True)
class Row:
    """Slots in rising order, with the round trips in seconds that geography suggests.

    `whole`: no node that meets the constraints is missing.
    """

    slots: Slots
    round_trips: Floats
    whole: bool
    version: int
    built_at: float

    @property
    def size(self) -> int:
        """Bytes."""
        return self.slots.nbytes + self.round_trips.nbytes + _ROW_BYTES

    def missing(self, slots: Slots) -> Slots:
        """Return those of `slots` that this row does not hold."""
        if not len(self.slots) or not len(slots):
            return slots
        missing: Slots = slots[
            self.slots.take(self.slots.searchsorted(slots), mode="clip") != slots
        ]
        return missing


class Rows:
    """Rows by origin's cell, model and constraints; those not used lately are dropped.

    A row is a choice of nodes and no permission: who may be asked is read from the map each
    time, as a slot may have become another node's since.
    """

    def __init__(self, fleet: RoutingMap, clock: Clock, bytes_most: int = BYTES_MOST) -> None:
        self._fleet = fleet
        self._clock = clock
        self._bytes_most = bytes_most
        self._rows: OrderedDict[_Key, Row] = OrderedDict()
        self.bytes = 0

    def row(
        self,
        origin: Position | None,
        model: str,
        constraints: Constraints,
        reach: Reach = Reach.NEAREST,
    ) -> Row:
        """Return a row; with `NEAREST` in a large fleet it may lag behind joins by a second."""
        cell = cell_of(origin) if origin else None
        key = (cell, model, constraints, reach)
        row = self._rows.get(key)
        if row is None or self._stale(row, reach):
            row = self._build(cell, model, constraints, reach)
            self._keep(key, row)
        else:
            self._rows.move_to_end(key)
        return row

    def round_trips(self, slots: Slots, origin: Position | None) -> Floats:
        """Return what geography suggests for some nodes, measured from their cell's centre."""
        return self._trips(slots, cell_of(origin) if origin else None)

    def _stale(self, row: Row, reach: Reach) -> bool:
        if row.version == self._fleet.version:
            return False
        small = len(self._fleet) <= ROW_NODES
        return small or reach is Reach.ALL or self._clock() - row.built_at >= REBUILT_AFTER

    def _build(self, cell: Cell | None, model: str, constraints: Constraints, reach: Reach) -> Row:
        fleet = self._fleet
        fit = fleet.kinds.failed(model, constraints).take(fleet.kind, mode="clip") == 0
        fit &= fleet.held
        if reach is Reach.CORE:
            fit &= fleet.core
        slots = np.flatnonzero(fit)
        whole = reach is not Reach.NEAREST or len(slots) <= ROW_NODES
        if not whole:
            slots = np.sort(self._nearest(slots, cell))
        trips = self._trips(slots, cell)
        return Row(slots, trips, whole, fleet.version, self._clock())

    def _nearest(self, slots: Slots, cell: Cell | None) -> Slots:
        if cell is None:  # no place is near: as many from all over the fleet
            return slots[np.linspace(0, len(slots) - 1, ROW_NODES).astype(np.intp)]
        away = -self._cosines(slots, cell)
        return slots[np.argpartition(away, ROW_NODES - 1)[:ROW_NODES]]

    def _trips(self, slots: Slots, cell: Cell | None) -> Floats:
        if cell is None:
            return np.full(len(slots), UNKNOWN_ROUND_TRIP)
        return expected_round_trips(self._cosines(slots, cell))

    def _cosines(self, slots: Slots, cell: Cell) -> Floats:
        cosines: Floats = self._fleet.units.take(slots, axis=0) @ unit_of(cell)
        return cosines

    def _keep(self, key: _Key, row: Row) -> None:
        before = self._rows.pop(key, None)
        self.bytes += row.size - (before.size if before else 0)
        self._rows[key] = row
        while self.bytes > self._bytes_most and len(self._rows) > 1:
            self.bytes -= self._rows.popitem(last=False)[1].size
