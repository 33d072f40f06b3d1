"""Leases on the wire, built fast: what a node last said of itself is encoded once."""

from collections.abc import Iterable
from dataclasses import dataclass

from nearfield.core.node import NodeLoad
from nearfield.core.route import Candidate, Lease
from nearfield.core.wire.enums import TIERS
from nearfield.core.wire.node import load_to_wire
from nearfield.core.wire.routing import candidate_to_wire, prediction_to_wire
from protos.nearfield.v1 import routing_pb2 as pb

KEPT_MOST = 32_768
"""Candidates kept, about 1.5 KB each: the nodes of a large fleet, for a model or two each."""


@dataclass(slots=True)
class _Kept:
    load: NodeLoad
    fixed: tuple[str, str, str]
    message: pb.Candidate

    def take(self, load: NodeLoad) -> None:
        # each report brings a new load, and each join too: the same object is the same news
        if self.load is not load:
            self.load = load
            self.message.load.CopyFrom(load_to_wire(load))


class LeaseWriter:
    """Turns leases into messages; a message is changed by nobody but its receiver."""

    def __init__(self, kept_most: int = KEPT_MOST) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._kept_most = kept_most

    def write(self, lease: Lease, ticket: str, ticket_ttl: float) -> pb.Lease:
        """Return a lease with its ticket."""
        message = pb.Lease(
            id=lease.lease_id,
            ttl_seconds=lease.ttl,
            renew_after_seconds=lease.renew_after,
            mode=pb.LEASE_MODE_NORMAL,
            map_revision=lease.map_revision,
            model=lease.model,
            ticket=ticket,
            ticket_ttl_seconds=ticket_ttl,
        )
        message.candidates.extend(self._candidates(lease))
        for candidate, written in zip(lease.candidates, message.candidates, strict=True):
            _write_routed(candidate, written)
        return message

    def _candidates(self, lease: Lease) -> Iterable[pb.Candidate]:
        for candidate in lease.candidates:
            key = (candidate.node, lease.model)
            kept = self._kept.get(key)
            if kept is None or kept.fixed != _fixed(candidate):
                kept = self._keep(key, candidate)
            kept.take(candidate.load)
            yield kept.message

    def _keep(self, key: tuple[str, str], candidate: Candidate) -> _Kept:
        if len(self._kept) >= self._kept_most:
            self._kept.clear()
        kept = _Kept(candidate.load, _fixed(candidate), candidate_to_wire(candidate))
        self._kept[key] = kept
        return kept


def _fixed(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.incarnation, candidate.endpoint, candidate.model_digest


def _write_routed(candidate: Candidate, message: pb.Candidate) -> None:
    """Write what differs from one lease to the next."""
    message.prediction.CopyFrom(prediction_to_wire(candidate.prediction))
    message.weight = candidate.weight
    message.load_age_seconds = candidate.load_age
    message.tier = TIERS[candidate.tier]
    del message.prefix_hints[:]
    for key, tokens in candidate.prefix_hints.items():
        message.prefix_hints.add(key=key, tokens=tokens)
