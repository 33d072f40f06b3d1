"""Prefix keys and summaries; the secret behind the keys never travels with them."""

from nearfield.core.errors import InvalidRequest
from nearfield.core.prefix import KEYS_MOST, SCHEME, PrefixKeys, PrefixSummary
from protos.nearfield.v1 import fleet_pb2
from protos.nearfield.v1 import types_pb2 as pb

KEY_ID_MOST = 64


def prefix_to_wire(prefix: PrefixKeys) -> pb.PrefixKeys:
    return pb.PrefixKeys(scheme=SCHEME, key_id=prefix.key_id, keys=prefix.keys)


def prefix_from_wire(message: pb.PrefixKeys) -> PrefixKeys:
    """Read keys; raises InvalidRequest for too many, or for another scheme."""
    if message.scheme != SCHEME:
        raise InvalidRequest(
            f"prefix.scheme '{message.scheme[:80]}' is not known",
            field="prefix.scheme",
            limit=SCHEME,
        )
    if len(message.keys) > KEYS_MOST:
        limit = f"at most {KEYS_MOST}"
        raise InvalidRequest(f"{len(message.keys)} prefix keys", field="prefix.keys", limit=limit)
    if len(message.key_id) > KEY_ID_MOST:
        limit = f"at most {KEY_ID_MOST} characters"
        raise InvalidRequest(
            f"prefix.key_id has {len(message.key_id)} characters",
            field="prefix.key_id",
            limit=limit,
        )
    return PrefixKeys(message.key_id, tuple(message.keys))


def summary_to_wire(summary: PrefixSummary) -> fleet_pb2.PrefixSummary:
    return fleet_pb2.PrefixSummary(
        epoch=summary.epoch,
        seq=summary.seq,
        snapshot=summary.snapshot,
        keys=[key for key, _ in summary.entries],
        tokens=[tokens for _, tokens in summary.entries],
    )


def summary_from_wire(message: fleet_pb2.PrefixSummary) -> PrefixSummary:
    """Read a summary; raises InvalidRequest where keys and tokens do not pair up."""
    if len(message.keys) != len(message.tokens):
        raise InvalidRequest(
            f"{len(message.keys)} keys come with {len(message.tokens)} numbers of tokens",
            field="prefixes.tokens",
            limit="one for each key",
        )
    return PrefixSummary(
        epoch=message.epoch,
        seq=message.seq,
        snapshot=message.snapshot,
        entries=tuple(zip(message.keys, message.tokens, strict=True)),
    )
