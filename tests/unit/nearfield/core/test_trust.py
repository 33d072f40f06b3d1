import math

import pytest

from nearfield.core.errors import InvalidRequest
from nearfield.core.trust import KEYS_MOST, VALID_MOST, PublicKey, Trust


def test_keys_at_their_limits_are_taken() -> None:
    keys = tuple(PublicKey("k" * 64, bytes(32), valid) for valid in (0.0, VALID_MOST) * 32)
    assert len(Trust(keys).public_keys) == KEYS_MOST


@pytest.mark.parametrize(
    ("key_id", "key", "valid", "field"),
    [
        ("", bytes(32), 1.0, "trust.public_keys.key_id"),
        ("k" * 65, bytes(32), 1.0, "trust.public_keys.key_id"),
        ("k", bytes(31), 1.0, "trust.public_keys.key"),
        ("k", bytes(33), 1.0, "trust.public_keys.key"),
        ("k", bytes(32), -0.1, "trust.public_keys.valid_seconds"),
        ("k", bytes(32), VALID_MOST + 1, "trust.public_keys.valid_seconds"),
        ("k", bytes(32), math.nan, "trust.public_keys.valid_seconds"),
        ("k", bytes(32), math.inf, "trust.public_keys.valid_seconds"),
    ],
)
def test_a_key_beyond_a_limit_is_refused_by_name(
    key_id: str, key: bytes, valid: float, field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        PublicKey(key_id, key, valid)
    assert caught.value.field == field
    assert caught.value.limit


def test_more_keys_than_a_ring_can_hold_are_refused() -> None:
    keys = tuple(PublicKey(f"k{count}", bytes(32), 1.0) for count in range(KEYS_MOST + 1))
    with pytest.raises(InvalidRequest) as caught:
        Trust(keys)
    assert caught.value.field == "trust.public_keys"
    assert caught.value.limit == "at most 64"
