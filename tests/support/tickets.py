"""Tickets, the keys that sign them, and forgeries, each one thought long."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from nearfield.core.tickets import TTL, Ticket, sign
from nearfield.core.trust import PublicKey, Trust
from tests.support.records import MODEL

NOW = 1_800_000_000.0
KEY = Ed25519PrivateKey.generate()
OTHER_KEY = Ed25519PrivateKey.generate()
KEYS = {"key-1": KEY.public_key()}


def ticket(**changes: Any) -> Ticket:
    """Return a Ticket of a tenant for the model that test nodes serve."""
    return Ticket(**{"tenant": "acme", "model": MODEL.name, **changes})


def token(now: float = NOW, **changes: Any) -> str:
    """Return a good ticket, signed with KEY."""
    return sign(ticket(**changes), "key-1", KEY, now)


def raw_public(key: Ed25519PrivateKey | Ed25519PublicKey) -> bytes:
    """Return a key's public half as it travels."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes_raw()


def trust(valid: float = 960.0, epoch: int = 0, **keys: Ed25519PrivateKey) -> Trust:
    """Return a replica's word about these keys; without any, about KEY as `key-1`."""
    named = keys or {"key-1": KEY}
    public = (PublicKey(name, raw_public(key), valid) for name, key in named.items())
    return Trust(tuple(public), epoch)


def token_of(claims: dict[str, object], key_id: str = "key-1") -> str:
    """Return a token with these claims on top of good ones, well signed; None leaves one out."""
    good = {"sub": "acme", "model": MODEL.name, "iat": int(NOW), "exp": int(NOW) + TTL}
    given = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return jwt.encode(given, KEY, "EdDSA", headers={"kid": key_id})


def parts_of(signed: str) -> tuple[dict[str, object], dict[str, object], str]:
    """Return a token's header, claims and signature."""
    header, claims, signature = signed.split(".")
    return _read(header), _read(claims), signature


def joined(header: dict[str, object] | str, claims: dict[str, object], signature: str) -> str:
    """Return a token put together from its parts; a header of text is taken as it stands."""
    return f"{_written(header)}.{_written(claims)}.{signature}"


def signed_by_secret(header: dict[str, object], claims: dict[str, object], secret: bytes) -> str:
    """Return a token whose signature is an HMAC-SHA256."""
    unsigned = f"{_written(header)}.{_written(claims)}"
    return f"{unsigned}.{_text(hmac.digest(secret, unsigned.encode(), hashlib.sha256))}"


def _read(part: str) -> dict[str, object]:
    value: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return value


def _written(part: dict[str, object] | str) -> str:
    return _text((part if isinstance(part, str) else json.dumps(part)).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
