"""Tickets: what a tenant may do, signed by the control plane and verified by nodes offline.

A ticket is a JSON Web Token signed with Ed25519. It names no nodes: it says what is
allowed, and the lease it came with says where to go. Its times are the only wall-clock
times of the protocol; the leeway covers clocks that are apart, either way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.types import Options

from nearfield.core.constraints import Constraints
from nearfield.core.errors import InvalidRequest, TicketExpired, TicketInvalid

TTL = 900
"""Seconds that a ticket lives: as long as clients get by without a control plane."""
LEEWAY = 60
"""Seconds that a node's clock may be apart from the signer's; twice what a fleet should see."""
TICKET_CHARACTERS_MOST = 8192
"""A usual ticket has 300; it travels with every request, and nodes keep it."""
ALGORITHM = "EdDSA"
_OPTIONS: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
"""PyJWT would read the host's own clock; `Signed.check_time` takes the time from the caller."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a tenant may do: ask for this model, where the constraints hold.

    `tokens_most` bounds one answer; 0 is the node's own limit. Caches are shared within
    `group`. A ticket of an `epoch` before the fleet's is void.
    """

    tenant: str
    model: str
    group: str = ""
    constraints: Constraints = field(default_factory=Constraints)
    tokens_most: int = 0
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Signed:
    """A ticket whose signature holds; times in seconds since 1970."""

    ticket: Ticket
    key_id: str
    issued: int
    expires: int

    def check_time(self, now: float) -> None:
        """Raise TicketExpired after its time, TicketInvalid where it comes from the future."""
        if now >= self.expires + LEEWAY:
            raise TicketExpired(
                f"the ticket ended {now - self.expires:.0f} s ago",
                field="ticket.exp",
                limit=f"{TTL} s, and {LEEWAY} s of leeway",
            )
        if self.issued > now + LEEWAY:
            raise TicketInvalid(
                f"the ticket was signed {self.issued - now:.0f} s in the future",
                field="ticket.iat",
                limit=f"{LEEWAY} s of leeway",
            )


def sign(ticket: Ticket, key_id: str, private_key: Ed25519PrivateKey, now: float) -> str:
    """Return the ticket, good for TTL seconds from `now`, in seconds since 1970; takes 40 µs.

    Raises InvalidRequest where its constraints make it longer than nodes read.
    """
    issued = int(now)
    claims = {**_claims(ticket), "iat": issued, "exp": issued + TTL}
    token = jwt.encode(claims, private_key, ALGORITHM, headers={"kid": key_id})
    if len(token) > TICKET_CHARACTERS_MOST:
        raise InvalidRequest(
            f"constraints make a ticket of {len(token)} characters",
            field="constraints",
            limit=f"a ticket of at most {TICKET_CHARACTERS_MOST} characters",
        )
    return token


def verify(token: str, public_keys: Mapping[str, Ed25519PublicKey], now: float) -> Ticket:
    """Return what a ticket allows at `now`; raises TicketInvalid or TicketExpired."""
    signed = opened(token, public_keys)
    signed.check_time(now)
    return signed.ticket


def opened(token: str, public_keys: Mapping[str, Ed25519PublicKey]) -> Signed:
    """Return a ticket whose signature holds, whatever the time; raises TicketInvalid."""
    _check_shape(token)
    try:
        key_id = jwt.get_unverified_header(token).get("kid", "")
        key = public_keys.get(key_id)
        if key is None:
            raise _invalid("it was signed with a key that is not known here", "ticket.kid")
        claims = jwt.decode(token, key, algorithms=[ALGORITHM], options=_OPTIONS)
    except jwt.PyJWTError as error:
        raise _invalid(f"{error}"[:120], "ticket") from None
    return _signed(claims, key_id)


def _check_shape(token: str) -> None:
    if not token:
        raise _invalid("there is none", "ticket")
    if len(token) > TICKET_CHARACTERS_MOST or not token.isascii():
        limit = f"at most {TICKET_CHARACTERS_MOST} characters of ASCII"
        raise TicketInvalid(
            f"a ticket of {len(token)} characters is not {limit}", field="ticket", limit=limit
        )


def _claims(ticket: Ticket) -> dict[str, object]:
    """Absent is empty, as a ticket travels with every request."""
    constraints = {
        "jurisdictions": ticket.constraints.jurisdictions,
        "providers": ticket.constraints.providers,
        "cost_per_hour_most": ticket.constraints.cost_per_hour_most,
        "accelerators": ticket.constraints.accelerators,
    }
    claims = {
        "sub": ticket.tenant,
        "group": ticket.group,
        "model": ticket.model,
        "constraints": {name: value for name, value in constraints.items() if value},
        "tokens_most": ticket.tokens_most,
        "epoch": ticket.epoch,
    }
    return {name: value for name, value in claims.items() if value}


def _signed(claims: dict[str, Any], key_id: str) -> Signed:
    ticket = Ticket(
        tenant=_text(claims, "sub", least=1),
        model=_text(claims, "model", least=1),
        group=_text(claims, "group"),
        constraints=_constraints(_claim(claims, "constraints", dict, {})),
        tokens_most=_count(claims, "tokens_most"),
        epoch=_count(claims, "epoch"),
    )
    issued, expires = _count(claims, "iat"), _count(claims, "exp")
    if not 0 < expires - issued <= TTL:
        # Keys are forgotten by the longest life that a ticket may have.
        raise _invalid(f"it lives for {expires - issued} s", "ticket.exp", f"{TTL} s")
    return Signed(ticket, key_id, issued, expires)


def _constraints(claims: dict[str, Any]) -> Constraints:
    cost = _claim(claims, "constraints.cost_per_hour_most", float | int | None, None)
    try:
        return Constraints(
            jurisdictions=_names(claims, "constraints.jurisdictions"),
            providers=_names(claims, "constraints.providers"),
            cost_per_hour_most=None if cost is None else float(cost),
            accelerators=_names(claims, "constraints.accelerators"),
        )
    except (InvalidRequest, OverflowError) as error:
        raise _invalid(f"{error}", "ticket.constraints") from None


def _names(claims: dict[str, Any], name: str) -> tuple[str, ...]:
    names = _claim(claims, name, list, [])
    if not all(isinstance(one, str) for one in names):
        raise _invalid(f"{name} are no strings", f"ticket.{name}")
    return tuple(names)


def _text(claims: dict[str, Any], name: str, least: int = 0) -> str:
    value: str = _claim(claims, name, str, "")
    if len(value) < least:
        raise _invalid(f"{name} is empty", f"ticket.{name}")
    return value


def _count(claims: dict[str, Any], name: str) -> int:
    value: int = _claim(claims, name, int, 0)
    if value < 0:
        raise _invalid(f"{name} is {value}", f"ticket.{name}", "0 or above")
    return value


def _claim(claims: dict[str, Any], name: str, kind: Any, absent: object) -> Any:
    value = claims.get(name.removeprefix("constraints."), absent)
    # To Python true is a number.
    if isinstance(value, bool) or not isinstance(value, kind):
        raise _invalid(f"{name} is of another type", f"ticket.{name}")
    return value


def _invalid(why: str, field: str, limit: str = "one signed by this fleet") -> TicketInvalid:
    return TicketInvalid(f"the ticket is not valid: {why}", field=field, limit=limit)
