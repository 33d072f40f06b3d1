"""Who a client is, by the token it brings."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from nearfield.core.errors import TenantUnknown


@dataclass(frozen=True, slots=True)
class Tenant:
    """One whose clients are answered. Members of a `group` share cached prefixes.

    `tokens_most` bounds one answer; 0 leaves it to the nodes.
    """

    name: str
    group: str = ""
    tokens_most: int = 0


class Tenants:
    """Tenants by token; clients without one are `anonymous`, or refused where that is empty."""

    def __init__(self, by_token: Mapping[str, Tenant], anonymous: str = "") -> None:
        # A lookup takes a different time for each digest, but a digest tells nothing of how
        # close a guessed token came.
        self._by_digest = {_digest(token): tenant for token, tenant in by_token.items()}
        named = {tenant.name: tenant for tenant in by_token.values()}
        self._anonymous = named.get(anonymous, Tenant(anonymous)) if anonymous else None

    def of(self, token: str) -> Tenant:
        """Return whose token this is; raises TenantUnknown.

        A wrong token is refused even where none is needed: its bearer expects to be someone.
        """
        tenant = self._by_digest.get(_digest(token)) if token else self._anonymous
        if tenant is None:
            raise TenantUnknown(
                "the tenant token is not known here" if token else "there is no tenant token",
                field="tenant_token",
                limit="the token of a tenant of this fleet",
            )
        return tenant


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
