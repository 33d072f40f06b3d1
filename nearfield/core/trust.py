"""What a node must know to verify tickets by itself: public keys and the revocation epoch."""

from dataclasses import dataclass

from nearfield.core.errors import InvalidRequest

KEYS_MOST = 64
"""Keys of one replica: its ring holds two or three, and 19 at its fastest rotation."""
KEY_BYTES = 32
KEY_ID_CHARACTERS_MOST = 64
VALID_MOST = 691_200.0
"""Seconds: eight days, a day above the slowest rotation."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key, to be trusted for `valid` seconds from now."""

    key_id: str
    key: bytes
    valid: float

    def __post_init__(self) -> None:
        if not 1 <= len(self.key_id) <= KEY_ID_CHARACTERS_MOST:
            raise _invalid(
                "key_id", f"{len(self.key_id)} characters", f"1 to {KEY_ID_CHARACTERS_MOST}"
            )
        if len(self.key) != KEY_BYTES:
            raise _invalid("key", f"{len(self.key)} bytes", f"{KEY_BYTES}")
        if not 0 <= self.valid <= VALID_MOST:
            raise _invalid("valid_seconds", f"{self.valid}", f"0 to {VALID_MOST:g}")


@dataclass(frozen=True, slots=True)
class Trust:
    """One replica's word: its keys, and the epoch before which all tickets are void."""

    public_keys: tuple[PublicKey, ...] = ()
    epoch: int = 0

    def __post_init__(self) -> None:
        if len(self.public_keys) > KEYS_MOST:
            limit = f"at most {KEYS_MOST}"
            raise InvalidRequest(
                f"{len(self.public_keys)} public keys are too many",
                field="trust.public_keys",
                limit=limit,
            )


def _invalid(name: str, value: str, limit: str) -> InvalidRequest:
    field = f"trust.public_keys.{name}"
    return InvalidRequest(f"{field} is {value}; it must be {limit}", field=field, limit=limit)
