"""A question of where to ask, and its answer: frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nearfield.core.geo import Position
from nearfield.core.node import NodeLoad
from nearfield.core.prediction import Prediction


@dataclass(frozen=True, slots=True)
class RouteQuery:
    """`round_trips` are seconds the client measured, by node name.

    An empty `model` asks for the only one the fleet serves.
    """

    model: str
    origin: Position | None = None
    jurisdictions: tuple[str, ...] = ()
    round_trips: Mapping[str, float] = field(default_factory=dict)
    excluded_nodes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that may be asked, and what its first token is predicted to cost."""

    node: str
    incarnation: str
    endpoint: str
    pop: str
    jurisdiction: str
    position: Position
    model_digest: str
    prediction: Prediction
    load: NodeLoad
    load_age: float


@dataclass(frozen=True, slots=True)
class Lease:
    """Where to ask for the next `ttl` seconds; candidates soonest first."""

    lease_id: str
    ttl: float
    model: str
    candidates: tuple[Candidate, ...]
    map_revision: int = 0


@dataclass(frozen=True, slots=True)
class ExplainedNode:
    """One node's place in a decision; `rank` 1 is the best, 0 is excluded."""

    candidate: Candidate
    rank: int
    excluded_by: str
    reason: str
    distance_km: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole decision, candidates first."""

    model: str
    nodes: tuple[ExplainedNode, ...]
    map_revision: int = 0
