"""Leases on the wire, built fast: what a node last said of itself is encoded once."""

from collections.abc import Iterable
from dataclasses import dataclass

from control_plane.routing.decision import (
    LEASE_SECONDS,
    RENEW_SECONDS,
    Decision,
    Named,
    candidate_of,
)
from nearfield.core.node import NodeInfo, NodeLoad
from nearfield.core.wire.enums import TIERS
from nearfield.core.wire.node import write_load
from nearfield.core.wire.routing import candidate_to_wire, write_prediction
from protos.nearfield.v1 import routing_pb2 as pb

KEPT_MOST = 32_768
"""Candidates kept, about 1.5 KB each: the nodes of a large fleet, for a model or two each."""


@dataclass(slots=True)
class _Kept:
    info: NodeInfo
    load: NodeLoad
    message: pb.Candidate

    def take(self, load: NodeLoad) -> None:
        # each report brings a new load, and each join too: the same object is the same news
        if self.load is not load:
            self.load = load
            write_load(load, self.message.load)


class LeaseWriter:
    """Turns decisions into messages; a message is changed by nobody but its receiver."""

    def __init__(self, kept_most: int = KEPT_MOST) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._kept_most = kept_most

    def write(self, decision: Decision, ticket: str, ticket_ttl: float) -> pb.Lease:
        """Return a lease with its ticket."""
        message = pb.Lease(
            id=decision.lease_id,
            ttl_seconds=LEASE_SECONDS,
            renew_after_seconds=RENEW_SECONDS,
            mode=pb.LEASE_MODE_NORMAL,
            map_revision=decision.revision,
            model=decision.model,
            ticket=ticket,
            ticket_ttl_seconds=ticket_ttl,
        )
        message.candidates.extend(self._candidates(decision))
        for named, written in zip(decision.named, message.candidates, strict=True):
            _write_routed(named, decision.key, written)
        return message

    def _candidates(self, decision: Decision) -> Iterable[pb.Candidate]:
        for named in decision.named:
            place = named.place
            key = (place.info.name, decision.model)
            kept = self._kept.get(key)
            if kept is None or kept.info is not place.info:
                kept = self._kept[key] = self._keep(named, decision.model)
            kept.take(place.load)
            yield kept.message

    def _keep(self, named: Named, model: str) -> _Kept:
        if len(self._kept) >= self._kept_most:
            self._kept.clear()
        message = candidate_to_wire(candidate_of(named, model, None))
        message.ClearField("prediction")
        return _Kept(named.place.info, named.load, message)


def _write_routed(named: Named, key: int | None, message: pb.Candidate) -> None:
    """Write what differs from one lease to the next."""
    write_prediction(named.prediction, message.prediction)
    message.weight = named.weight
    message.load_age_seconds = named.load_age
    message.tier = TIERS[named.tier]
    if key is not None and named.tokens:
        message.prefix_hints.add(key=key, tokens=named.tokens)
