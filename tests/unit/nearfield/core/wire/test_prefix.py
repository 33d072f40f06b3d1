import pytest
from hypothesis import given

from nearfield.core.errors import InvalidRequest
from nearfield.core.prefix import KEYS_MOST, SCHEME, PrefixKeys, PrefixSecret, PrefixSummary
from nearfield.core.wire import prefix as wire
from protos.nearfield.v1 import fleet_pb2, types_pb2
from tests.support import nearfield_strategies as some


@given(some.prefixes)
def test_keys_arrive_as_they_were_sent(value: PrefixKeys) -> None:
    raw = wire.prefix_to_wire(value).SerializeToString()
    assert wire.prefix_from_wire(types_pb2.PrefixKeys.FromString(raw)) == value


@given(some.summaries)
def test_a_summary_arrives_as_it_was_sent(value: PrefixSummary) -> None:
    raw = wire.summary_to_wire(value).SerializeToString()
    assert wire.summary_from_wire(fleet_pb2.PrefixSummary.FromString(raw)) == value


@given(some.secrets)
def test_the_secret_does_not_travel_with_its_keys(value: bytes) -> None:
    message = wire.prefix_to_wire(PrefixSecret(value).keys(bytes(1024)))
    assert len(message.keys) == 4
    assert value not in message.SerializeToString()


@pytest.mark.parametrize("scheme", ["", "sha256/16", SCHEME.upper()])
def test_keys_of_another_scheme_are_refused(scheme: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.prefix_from_wire(types_pb2.PrefixKeys(scheme=scheme, keys=[1]))
    assert (caught.value.field, caught.value.limit) == ("prefix.scheme", "blake2b-64/256")


def test_a_very_long_scheme_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.prefix_from_wire(types_pb2.PrefixKeys(scheme="x" * 100_000))
    assert len(caught.value.message) < 200


def test_one_key_too_many_is_refused() -> None:
    message = types_pb2.PrefixKeys(scheme=SCHEME, keys=range(KEYS_MOST))
    assert len(wire.prefix_from_wire(message).keys) == KEYS_MOST
    message.keys.append(7)
    with pytest.raises(InvalidRequest, match="1025 prefix keys") as caught:
        wire.prefix_from_wire(message)
    assert (caught.value.field, caught.value.limit) == ("prefix.keys", "at most 1024")


def test_a_name_of_a_secret_that_is_too_long_is_refused() -> None:
    message = types_pb2.PrefixKeys(scheme=SCHEME, key_id="x" * 64)
    assert wire.prefix_from_wire(message).key_id == "x" * 64
    message.key_id += "x"
    with pytest.raises(InvalidRequest) as caught:
        wire.prefix_from_wire(message)
    assert (caught.value.field, caught.value.limit) == ("prefix.key_id", "at most 64 characters")


@pytest.mark.parametrize(("keys", "tokens"), [([1, 2], [3]), ([1], [3, 4]), ([], [3])])
def test_a_summary_whose_keys_and_tokens_do_not_pair_up_is_refused(
    keys: list[int], tokens: list[int]
) -> None:
    message = fleet_pb2.PrefixSummary(epoch=1, seq=1, keys=keys, tokens=tokens)
    with pytest.raises(InvalidRequest, match=f"{len(keys)} keys come with") as caught:
        wire.summary_from_wire(message)
    assert (caught.value.field, caught.value.limit) == ("prefixes.tokens", "one for each key")
