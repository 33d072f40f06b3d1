"""Gives a tenant's client its ticket."""

from collections import OrderedDict
from dataclasses import dataclass

from control_plane.tickets.keyring import KeyRing
from control_plane.tickets.tenants import Tenant, Tenants
from nearfield.core.clock import Clock
from nearfield.core.constraints import Constraints
from nearfield.core.tickets import TTL, Ticket, sign

CACHED_MOST = 4096
FRESH_SHARE = 0.8
"""Of a ticket's life, left for the client in any case: signing takes 40 µs, the rest of a
route much less, and most leases of a tenant ask for the same ticket."""


@dataclass(frozen=True, slots=True)
class _Key:
    tenant: Tenant
    model: str
    constraints: Constraints
    epoch: int
    key_id: str


class TicketIssuer:
    """Tickets, the same one again while it is fresh.

    `wall` gives seconds since 1970. Freshness goes by it as well, so that after a step of
    the host's clock no ticket with a wrong time is handed out again.
    """

    def __init__(self, keyring: KeyRing, tenants: Tenants, wall: Clock) -> None:
        self._keyring = keyring
        self._tenants = tenants
        self._wall = wall
        self._signed: OrderedDict[_Key, tuple[str, float]] = OrderedDict()

    def issue(
        self, token: str, model: str, constraints: Constraints, epoch: int
    ) -> tuple[str, float]:
        """Return a ticket and the seconds it lives.

        `model` is the name that nodes serve it by. Raises TenantUnknown, and InvalidRequest
        where the constraints are too long for a ticket.
        """
        tenant = self._tenants.of(token)
        signing = self._keyring.current
        key = _Key(tenant, model, constraints, epoch, signing.key_id)
        now = self._wall()
        signed, expires = self._signed.get(key, ("", 0.0))
        if not FRESH_SHARE * TTL <= expires - now <= TTL:
            ticket = Ticket(
                tenant.name, model, tenant.group, constraints, tenant.tokens_most, epoch
            )
            signed, expires = sign(ticket, signing.key_id, signing.private, now), int(now) + TTL
            self._keep(key, signed, expires)
        self._signed.move_to_end(key)
        return signed, expires - now

    def _keep(self, key: _Key, signed: str, expires: float) -> None:
        self._signed[key] = (signed, expires)
        if len(self._signed) > CACHED_MOST:
            self._signed.popitem(last=False)
