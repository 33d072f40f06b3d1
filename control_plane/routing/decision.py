"""What the router decided, before it becomes a lease."""

from collections.abc import Sequence
from typing import NamedTuple

from control_plane.routing.map import Place
from nearfield.core.node import NodeInfo, NodeLoad
from nearfield.core.prediction import Prediction
from nearfield.core.route import Candidate, Lease, Tier

LEASE_SECONDS = 30.0
RENEW_SECONDS = 20.0
"""Leaves ten seconds to renew in the background, more than a control plane takes to restart."""


class Named(NamedTuple):
    """A node that is named; `tokens` of the prompt's prefix are resident there.

    Its place is the map's own: it is to be read before the next report changes it.
    """

    place: Place
    prediction: Prediction
    load_age: float
    weight: float
    tier: Tier
    tokens: int

    @property
    def node(self) -> str:
        """The node's name."""
        return self.place.info.name

    @property
    def load(self) -> NodeLoad:
        """The node's load as last reported."""
        return self.place.load


class Decision(NamedTuple):
    """`named` are soonest first; `key` is the deepest of the prompt's prefix keys, if any."""

    lease_id: str
    model: str
    revision: int
    named: Sequence[Named]
    key: int | None = None

    def lease(self) -> Lease:
        """Return the lease without its ticket."""
        candidates = tuple(candidate_of(one, self.model, self.key) for one in self.named)
        return Lease(
            self.lease_id, LEASE_SECONDS, self.model, candidates, self.revision, RENEW_SECONDS
        )


def candidate_of(named: Named, model: str, key: int | None) -> Candidate:
    """Return a node as a lease or an explanation tells of it."""
    info = named.place.info
    return Candidate(
        node=info.name,
        incarnation=info.incarnation,
        endpoint=info.endpoint,
        pop=info.pop,
        jurisdiction=info.jurisdiction,
        position=info.position,
        model_digest=digest_of(info, model),
        prediction=named.prediction,
        load=named.load,
        load_age=named.load_age,
        weight=named.weight,
        tier=named.tier,
        # Of the prompt's keys the deepest: who shares it shares all that lies before it.
        prefix_hints={key: named.tokens} if key is not None and named.tokens else {},
    )


def digest_of(info: NodeInfo, model: str) -> str:
    """Return the digest of a model as a node serves it, empty where it does not."""
    return next((served.digest for served in info.models if served.name == model), "")
