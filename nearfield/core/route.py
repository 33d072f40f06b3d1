"""A question of where to ask, and its answer: frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nearfield.core.constraints import NO_CONSTRAINTS, NO_PREFERENCES, Constraints, Preferences
from nearfield.core.geo import Position
from nearfield.core.node import NodeLoad
from nearfield.core.prediction import Prediction, RoundTrip
from nearfield.core.prefix import PrefixKeys


class Tier(StrEnum):
    """A step of the ladder on which work spills over.

    POP is the point of presence with the shortest round trip, NEIGHBOUR another one at the
    edge, CORE the core region.
    """

    POP = "pop"
    NEIGHBOUR = "neighbour"
    CORE = "core"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Predicted against actual, in seconds, of one answer that came."""

    node: str
    predicted: float
    actual: float
    tier: Tier


@dataclass(frozen=True, slots=True)
class RouteQuery:
    """`round_trips` are those the client measured, by node name.

    An empty `model` asks for the only one the fleet serves. `token` proves the tenant.
    `prefix` and `prompt_size` (bytes) tell of the prompt what bears on its prefill; `early`
    says that a lease still holds, and is asked anew for what a resident prefix may save.
    """

    model: str
    origin: Position | None = None
    constraints: Constraints = NO_CONSTRAINTS
    preferences: Preferences = NO_PREFERENCES
    round_trips: Mapping[str, RoundTrip] = field(default_factory=dict)
    excluded_nodes: frozenset[str] = frozenset()
    prefix: PrefixKeys | None = None
    prompt_size: int = 0
    outcomes: tuple[Outcome, ...] = ()
    token: str = field(default="", repr=False)
    early: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that may be asked, and what its first token is predicted to cost.

    `weight` is the share of near-ties it should get; `prefix_hints` are resident tokens by
    prefix key.
    """

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
    weight: float = 1.0
    tier: Tier = Tier.POP
    prefix_hints: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lease:
    """Where to ask for the next `ttl` seconds; candidates soonest first.

    The `ticket` says what is allowed, for `ticket_ttl` seconds; the lease is best renewed
    after `renew_after`.
    """

    lease_id: str
    ttl: float
    model: str
    candidates: tuple[Candidate, ...]
    map_revision: int = 0
    renew_after: float = 0.0
    ticket: str = field(default="", repr=False)
    ticket_ttl: float = 0.0


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
