"""What a request asks of the place where it runs: frozen values and one test each."""

from dataclasses import dataclass

from nearfield.core.errors import InvalidRequest
from nearfield.core.node import NodeInfo

WORTH_SECONDS = 0.05
"""An unmet wish counts as this much later: half a crossing of the Atlantic."""
WORTH_MOST = 60.0
NAMES_MOST = 64
NAME_CHARACTERS_MOST = 64


@dataclass(frozen=True, slots=True)
class Constraints:
    """Hard: a node that fails one is never asked. An empty list allows all.

    `cost_per_hour_most` is failed by a node that states no cost.
    """

    jurisdictions: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    cost_per_hour_most: float | None = None
    accelerators: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_names("constraints.jurisdictions", self.jurisdictions)
        _check_names("constraints.providers", self.providers)
        _check_names("constraints.accelerators", self.accelerators)
        _check_cost("constraints.cost_per_hour_most", self.cost_per_hour_most)

    def failed_by(self, node: NodeInfo) -> str:
        """Return the name of the constraint that a node fails, or an empty string."""
        if self.jurisdictions and node.jurisdiction not in self.jurisdictions:
            return "jurisdiction"
        if self.providers and node.provider not in self.providers:
            return "provider"
        if self.cost_per_hour_most is not None and not (
            0 < node.cost_per_hour <= self.cost_per_hour_most
        ):
            return "cost"
        if self.accelerators and node.hardware.accelerator not in self.accelerators:
            return "accelerator"
        return ""


@dataclass(frozen=True, slots=True)
class Preferences:
    """Soft: each unmet wish counts as `worth` seconds later."""

    providers: tuple[str, ...] = ()
    cost_per_hour_most: float | None = None
    accelerators: tuple[str, ...] = ()
    worth: float = WORTH_SECONDS

    def __post_init__(self) -> None:
        _check_names("preferences.providers", self.providers)
        _check_names("preferences.accelerators", self.accelerators)
        _check_cost("preferences.cost_per_hour_most", self.cost_per_hour_most)
        if not 0 <= self.worth <= WORTH_MOST:
            limit = f"0 to {WORTH_MOST:g}"
            raise InvalidRequest(
                f"preferences.worth_seconds {self.worth} is not in {limit}",
                field="preferences.worth_seconds",
                limit=limit,
            )

    def penalty(self, node: NodeInfo) -> float:
        """Return the seconds that a node's unmet wishes count for."""
        unmet = 0
        unmet += bool(self.providers) and node.provider not in self.providers
        unmet += bool(self.accelerators) and node.hardware.accelerator not in self.accelerators
        if self.cost_per_hour_most is not None:
            unmet += not 0 < node.cost_per_hour <= self.cost_per_hour_most
        return unmet * self.worth


def _check_names(field: str, names: tuple[str, ...]) -> None:
    if len(names) > NAMES_MOST:
        limit = f"at most {NAMES_MOST} names"
        raise InvalidRequest(f"{field} has {len(names)} names", field=field, limit=limit)
    for name in names:
        if not 1 <= len(name) <= NAME_CHARACTERS_MOST:
            limit = f"1 to {NAME_CHARACTERS_MOST} characters"
            raise InvalidRequest(
                f"{field} has a name of {len(name)} characters", field=field, limit=limit
            )


def _check_cost(field: str, cost: float | None) -> None:
    if cost is not None and not 0 < cost < float("inf"):
        limit = "above 0, and finite"
        raise InvalidRequest(f"{field} {cost} is not {limit}", field=field, limit=limit)


NO_CONSTRAINTS = Constraints()
NO_PREFERENCES = Preferences()
