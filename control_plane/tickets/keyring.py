"""A replica's signing keys: they live in this process alone, and only public halves leave it.

A key is published before it signs and stays published while a ticket signed with it can
live, so at every moment nodes know the key of every ticket that is still good.
"""

import secrets
from dataclasses import dataclass, field
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nearfield.core.clock import Clock
from nearfield.core.errors import ConfigError
from nearfield.core.tickets import LEEWAY, TTL
from nearfield.core.trust import PublicKey

LEAD = 10.0
"""Seconds from a key's publication to its first signature: ten reports of a node."""
LIFE = float(TTL + LEEWAY)
"""Seconds that a key is needed for after its last signature."""
ROTATE_LEAST = 60.0
ROTATE_MOST = 604_800.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair that signs from a moment of the ring's clock on."""

    key_id: str
    signs_from: float
    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def fresh(cls, signs_from: float) -> "SigningKey":
        """Return a pair that nobody else holds."""
        return cls(secrets.token_hex(8), signs_from, Ed25519PrivateKey.generate())


class KeyRing:
    """The key that signs, the next one, and those before while their tickets live.

    `rotate_seconds` is how long one key signs; raises ConfigError outside 60 s to 7 days.
    """

    def __init__(self, clock: Clock, rotate_seconds: float = 86_400.0) -> None:
        if not ROTATE_LEAST <= rotate_seconds <= ROTATE_MOST:
            limit = f"{ROTATE_LEAST:g} to {ROTATE_MOST:g}"
            raise ConfigError(
                f"rotate_seconds {rotate_seconds} is not in {limit}",
                field="rotate_seconds",
                limit=limit,
            )
        self._clock = clock
        self._rotate = rotate_seconds
        # By when they sign. The first signs at once: no other can.
        self._keys = [SigningKey.fresh(clock())]

    @property
    def current(self) -> SigningKey:
        """The key that signs now."""
        now = self._clock()
        return next(key for key in reversed(self._keys) if key.signs_from <= now)

    def rotate_if_due(self) -> bool:
        """Make the next key when it is time; True where `public` is to be sent to nodes anew.

        To be called every few seconds: a key's last signature is as late as this is.
        """
        now = self._clock()
        self._drop_outlived(now)
        if now < self._keys[-1].signs_from + self._rotate - LEAD:
            return False
        self._keys.append(SigningKey.fresh(now + LEAD))
        return True

    def public(self) -> tuple[PublicKey, ...]:
        """Return what nodes are to trust, each key for as long as its tickets may live."""
        now = self._clock()
        ends = [after.signs_from for _, after in pairwise(self._keys)]
        ends.append(max(now, self._keys[-1].signs_from + self._rotate))
        return tuple(
            PublicKey(key.key_id, key.private.public_key().public_bytes_raw(), end + LIFE - now)
            for key, end in zip(self._keys, ends, strict=True)
            if end + LIFE > now
        )

    def _drop_outlived(self, now: float) -> None:
        while len(self._keys) > 1 and self._keys[1].signs_from + LIFE <= now:
            del self._keys[0]
