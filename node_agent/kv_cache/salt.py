"""Whose cached blocks a request may meet: its tenant's, or those of a group that shares."""

import hashlib
import hmac


def cache_salt(secret: bytes, tenant: str, group: str) -> str:
    """Return the salt of a request's blocks: 64 hex digits, the same for all who may share.

    A `group` shares across tenants; without one ("") a tenant is alone. `secret` is the node's
    own, so that nobody can ask for another's blocks by computing a salt.
    """
    # The kind has no NUL in it, so a tenant and a group of one name never sign the same bytes.
    kind, name = (b"group", group) if group else (b"tenant", tenant)
    return hmac.new(secret, kind + b"\0" + name.encode(), hashlib.sha256).hexdigest()
