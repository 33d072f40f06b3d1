"""Public keys and the revocation epoch."""

from nearfield.core.trust import PublicKey, Trust
from protos.nearfield.v1 import fleet_pb2


def trust_to_wire(trust: Trust) -> fleet_pb2.Trust:
    return fleet_pb2.Trust(
        public_keys=[
            fleet_pb2.PublicKey(key_id=one.key_id, key=one.key, valid_seconds=one.valid)
            for one in trust.public_keys
        ],
        revocation_epoch=trust.epoch,
    )


def trust_from_wire(message: fleet_pb2.Trust) -> Trust:
    return Trust(
        tuple(PublicKey(one.key_id, one.key, one.valid_seconds) for one in message.public_keys),
        message.revocation_epoch,
    )
