import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.errors import InvalidRequest
from nearfield.core.trust import KEYS_MOST, VALID_MOST, PublicKey, Trust
from nearfield.core.wire.trust import trust_from_wire, trust_to_wire
from protos.nearfield.v1 import fleet_pb2

KEYS = st.builds(
    PublicKey,
    st.text(min_size=1, max_size=64),
    st.binary(min_size=32, max_size=32),
    st.floats(0, VALID_MOST),
)


@given(st.builds(Trust, st.lists(KEYS, max_size=4).map(tuple), st.integers(0, 2**64 - 1)))
def test_trust_arrives_as_it_was_sent(trust: Trust) -> None:
    raw = trust_to_wire(trust).SerializeToString()
    assert trust_from_wire(fleet_pb2.Trust.FromString(raw)) == trust


def test_a_key_of_another_size_is_refused() -> None:
    message = fleet_pb2.Trust(
        public_keys=[fleet_pb2.PublicKey(key_id="k", key=b"short", valid_seconds=1.0)]
    )
    with pytest.raises(InvalidRequest) as caught:
        trust_from_wire(message)
    assert caught.value.field == "trust.public_keys.key"


def test_more_keys_than_a_replica_has_are_refused() -> None:
    one = fleet_pb2.PublicKey(key_id="k", key=bytes(32), valid_seconds=1.0)
    with pytest.raises(InvalidRequest) as caught:
        trust_from_wire(fleet_pb2.Trust(public_keys=[one] * (KEYS_MOST + 1)))
    assert caught.value.field == "trust.public_keys"
