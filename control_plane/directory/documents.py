"""What the key-value store of a directory holds, as JSON: pure conversion, no I/O."""

import json
from dataclasses import asdict

from pydantic import TypeAdapter

from nearfield.core.errors import InvalidRequest
from nearfield.core.node import Desired
from nearfield.core.policy import FleetPolicy

POLICY_BYTES_MOST = 512 * 1024 - 256
"""Of a policy as JSON: Consul takes 512 KiB a value, and the name of the write is in it too."""

_desired = TypeAdapter(Desired)
_policy = TypeAdapter(FleetPolicy)


def desired_document(desired: Desired, write: str) -> bytes:
    """Return the stored form of a desired state; `write` names this one act of writing it."""
    return _document(desired, write)


def parse_desired(document: bytes) -> tuple[Desired, str]:
    """Return a desired state and the name of the write that put it there; raises ValueError."""
    return _desired.validate_json(document), _write_of(document)


def policy_document(policy: FleetPolicy, write: str) -> bytes:
    """Return the stored form of a policy; raises InvalidRequest where it is too long."""
    check_size(policy)
    return _document(policy, write)


def parse_policy(document: bytes) -> tuple[FleetPolicy, str]:
    """Return a policy and the name of the write that put it there; raises ValueError."""
    try:
        return _policy.validate_json(document), _write_of(document)
    except InvalidRequest as error:
        raise ValueError(error.message) from None


def check_size(policy: FleetPolicy) -> None:
    """Raise InvalidRequest for a policy that is too long for any directory."""
    size = len(json.dumps(asdict(policy), ensure_ascii=False).encode())
    if size > POLICY_BYTES_MOST:
        limit = f"{POLICY_BYTES_MOST} bytes"
        raise InvalidRequest(
            f"the fleet's policy would have {size} bytes with its {len(policy.prefixes)} prefixes"
            f" and {len(policy.models)} models; a directory holds {limit}",
            field="policy",
            limit=limit,
        )


def _document(value: Desired | FleetPolicy, write: str) -> bytes:
    return json.dumps({**asdict(value), "write": write}, ensure_ascii=False).encode()


def _write_of(document: bytes) -> str:
    write: str = json.loads(document).get("write", "")
    return write
