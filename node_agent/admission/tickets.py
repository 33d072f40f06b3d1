"""Whether a request's ticket allows it here: decided by what replicas told, asking nobody."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nearfield.core.clock import Clock
from nearfield.core.errors import TicketInvalid, TicketRefused, TicketRevoked
from nearfield.core.inference import Request
from nearfield.core.node import NodeInfo
from nearfield.core.tickets import Signed, Ticket, opened
from nearfield.core.trust import KEYS_MOST, Trust

REPLICAS_MOST = 64
"""Far above the replicas that one node dials."""
VERIFIED_MOST = 4096
"""Verifying a signature takes 100 µs, and a ticket comes with many requests."""
RETRY_SECONDS = 1.0
"""Until a node that has just started hears a replica: its first word brings the keys."""
Name = TypeVar("Name")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Known:
    key: Ed25519PublicKey
    until: float


class TrustStore:
    """What a node knows of who signs tickets: all that its replicas have said, added up.

    A key is kept for the seconds that its replica gave when last heard, so that tickets
    outlive the loss of the control plane.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._replicas: OrderedDict[str, OrderedDict[str, _Known]] = OrderedDict()
        self._epochs: OrderedDict[str, int] = OrderedDict()

    @property
    def epoch(self) -> int:
        """The highest of the replicas' last words; one behind the others brings none back.

        A fleet whose directory was made anew counts from 0 again, and its word holds.
        """
        return max(self._epochs.values(), default=0)

    def learn(self, replica: str, trust: Trust) -> None:
        """Take in a replica's word; the keys it no longer names live on until their time.

        `replica` is where it was heard, such as its address: a name that a new start changes
        would let one that starts over and over push out what the others said.
        """
        now = self._clock()
        _put(self._epochs, replica, trust.epoch, REPLICAS_MOST)
        known = self._replicas.get(replica, OrderedDict())
        for one in trust.public_keys:
            key = Ed25519PublicKey.from_public_bytes(one.key)
            _put(known, one.key_id, _Known(key, now + one.valid), KEYS_MOST)
        _put(self._replicas, replica, known, REPLICAS_MOST)

    def keys(self) -> dict[str, Ed25519PublicKey]:
        """Return the keys that are trusted now, by id."""
        now = self._clock()
        return {
            key_id: known.key
            for replica in self._replicas.values()
            for key_id, known in replica.items()
            if now < known.until
        }


class TicketGate:
    """Lets pass who brings a good ticket for what is asked.

    `required` refuses those without one; a node that stands alone has nobody to sign them.
    `wall` gives seconds since 1970.
    """

    def __init__(self, store: TrustStore, required: bool, wall: Clock) -> None:
        self._store = store
        self._required = required
        self._wall = wall
        self._verified: OrderedDict[str, Signed] = OrderedDict()

    def check(self, ticket: str, request: Request, node: NodeInfo) -> Ticket:
        """Return what is allowed; raises TicketInvalid, -Expired, -Revoked or -Refused.

        Without a ticket, where none is required, that is everything, to a tenant of no name.
        """
        if not ticket and not self._required:
            return Ticket(tenant="", model=_served(request, node))
        allowed = self._verify(ticket)
        if allowed.epoch < self._store.epoch:
            raise TicketRevoked(
                f"tickets of epoch {allowed.epoch} were made void",
                field="ticket.epoch",
                limit=f"{self._store.epoch} or above",
            )
        _check_model(allowed, request, node)
        _check_place(allowed, node)
        _check_length(allowed, request, node)
        return allowed

    def _verify(self, token: str) -> Ticket:
        """The signature is verified once a ticket, its time and its key with every request."""
        keys = self._store.keys()
        if token and not keys:
            raise TicketInvalid(
                "no control plane has told this node its keys yet",
                field="ticket",
                limit="a node that knows the keys",
                retry_after=RETRY_SECONDS,
            )
        signed = self._verified.pop(token, None)
        if signed is None or signed.key_id not in keys:
            signed = opened(token, keys)
        signed.check_time(self._wall())
        _put(self._verified, token, signed, VERIFIED_MOST)
        return signed.ticket


def _served(request: Request, node: NodeInfo) -> str:
    """Return the name of the model that a request means: an empty one means the only one."""
    model = node.model(request.model)
    return model.name if model else request.model


def _check_model(ticket: Ticket, request: Request, node: NodeInfo) -> None:
    model = _served(request, node)
    if ticket.model != model:
        raise TicketRefused(
            f"the ticket is for another model than '{model[:80]}'",
            field="ticket.model",
            limit=ticket.model,
        )


def _check_place(ticket: Ticket, node: NodeInfo) -> None:
    constraints = ticket.constraints
    failed = constraints.failed_by(node)
    if failed:
        allowed = {
            "jurisdiction": ", ".join(constraints.jurisdictions),
            "provider": ", ".join(constraints.providers),
            "cost": f"at most {constraints.cost_per_hour_most} an hour",
            "accelerator": ", ".join(constraints.accelerators),
        }
        raise TicketRefused(
            f"the ticket's {failed} is not this node's",
            field=f"ticket.constraints.{failed}",
            limit=allowed[failed],
        )


def _check_length(ticket: Ticket, request: Request, node: NodeInfo) -> None:
    """An answer without a bound may run to the end of the context, so it is held to that."""
    model = node.model(request.model)
    asked = request.sampling.max_tokens
    most = asked if asked is not None else model.context_tokens if model else 0
    if ticket.tokens_most and most > ticket.tokens_most:
        raise TicketRefused(
            f"an answer of up to {most} tokens is more than the ticket allows",
            field="ticket.tokens_most",
            limit=f"sampling.max_tokens of at most {ticket.tokens_most}",
        )


def _put(kept: OrderedDict[Name, Value], name: Name, value: Value, most: int) -> None:
    """Keep a value as the latest; the earliest goes where there are too many."""
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > most:
        kept.popitem(last=False)
