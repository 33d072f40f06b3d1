"""Which nodes meet a request's constraints, decided once for all nodes that are alike."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.node import NodeInfo

PASSES = 0
FAILURES = ("", "model", "jurisdiction", "provider", "cost", "accelerator")
"""What a code of `Kinds.failed` means; 0 passes."""
TABLES_MOST = 1024
"""Questions remembered: a few of each tenant. One is a byte or eight for each kind."""
Code = TypeVar("Code", bound=np.generic)
_CODES = {name: code for code, name in enumerate(FAILURES)}


class Kinds:
    """Nodes that no constraint and no wish can tell apart are of one kind.

    A fleet of thousands has a few dozen, so that a question nobody asked before costs
    microseconds, and a node that takes another's place is judged by what it is itself.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._examples: list[NodeInfo] = []
        self._failed: OrderedDict[Hashable, NDArray[np.uint8]] = OrderedDict()
        self._penalties: OrderedDict[Hashable, NDArray[np.float64]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._examples)

    def number(self, info: NodeInfo) -> int:
        """Return the number of a node's kind."""
        key = (
            tuple(model.name for model in info.models),
            info.jurisdiction,
            info.provider,
            info.cost_per_hour,
            info.hardware.accelerator,
        )
        number = self._numbers.setdefault(key, len(self._examples))
        if number == len(self._examples):
            self._examples.append(info)
        return number

    def failed(self, model: str, constraints: Constraints) -> NDArray[np.uint8]:
        """Return by kind the index in FAILURES of what it fails first."""

        def judge(info: NodeInfo) -> int:
            if info.model(model) is None:
                return _CODES["model"]
            return _CODES[constraints.failed_by(info)]

        return self._table(self._failed, (model, constraints), judge, np.uint8)

    def penalties(self, preferences: Preferences) -> NDArray[np.float64]:
        """Return by kind the seconds that its unmet wishes count for."""
        return self._table(self._penalties, preferences, preferences.penalty, np.float64)

    def _table(
        self,
        tables: OrderedDict[Hashable, NDArray[Code]],
        key: Hashable,
        judge: Callable[[NodeInfo], float],
        code: type[Code],
    ) -> NDArray[Code]:
        table = tables.get(key)
        if table is not None and len(table) == len(self._examples):
            tables.move_to_end(key)
            return table
        table = np.array([judge(info) for info in self._examples], code)
        tables[key] = table
        if len(tables) > TABLES_MOST:
            tables.popitem(last=False)
        return table
