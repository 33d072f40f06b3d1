"""Names that must not collide: requests, incarnations, replicas."""

import secrets


def new_id(kind: str) -> str:
    """Return a fresh identifier such as `req-3f9c…`, 64 random bits behind its kind."""
    return f"{kind}-{secrets.token_hex(8)}"
