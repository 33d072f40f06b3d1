"""What operators set for the fleet as a whole, with the bounds of each field."""

import re

from nearfield.core.errors import InvalidRequest
from nearfield.core.policy import DeclaredPrefix, ModelPolicy
from nearfield.core.wire.node import check_name
from protos.nearfield.v1 import admin_pb2, types_pb2

MODEL_MOST = 256
"""Characters of a model's name."""
POPS_MOST = 256
NODES_MOST = 100_000
"""Of one model; ten times the largest fleet that is planned for."""
_OWNER = re.compile(r"[a-z0-9-]{1,63}")


def model_policy_to_wire(policy: ModelPolicy) -> admin_pb2.ModelPolicy:
    return admin_pb2.ModelPolicy(
        model=policy.model, pops=policy.pops, minimum=policy.minimum, maximum=policy.maximum
    )


def model_policy_from_wire(message: admin_pb2.ModelPolicy) -> ModelPolicy:
    for field in ("minimum", "maximum"):
        value = getattr(message, field)
        if value > NODES_MOST:
            _refuse(f"policy.{field}", str(value), f"at most {NODES_MOST}")
    return ModelPolicy(
        model=_model("policy.model", message.model),
        pops=_pops("policy.pops", tuple(message.pops)),
        minimum=message.minimum,
        maximum=message.maximum,
    )


def prefix_to_wire(prefix: DeclaredPrefix) -> types_pb2.DeclaredPrefix:
    return types_pb2.DeclaredPrefix(
        name=prefix.name,
        tenant=prefix.tenant,
        group=prefix.group,
        model=prefix.model,
        pops=prefix.pops,
        text=prefix.text,
        system=prefix.system,
    )


def prefix_from_wire(message: types_pb2.DeclaredPrefix) -> DeclaredPrefix:
    check_name("prefix.name", message.name)
    for field in ("tenant", "group"):
        owner = getattr(message, field)
        if owner and not _OWNER.fullmatch(owner):
            _refuse(f"prefix.{field}", owner, "1 to 63 of a-z, 0-9 and -")
    return DeclaredPrefix(
        name=message.name,
        model=_model("prefix.model", message.model),
        text=message.text,
        tenant=message.tenant,
        group=message.group,
        pops=_pops("prefix.pops", tuple(message.pops)),
        system=message.system,
    )


def _model(field: str, name: str) -> str:
    if not 1 <= len(name) <= MODEL_MOST:
        _refuse(field, name, f"1 to {MODEL_MOST} characters")
    return name


def _pops(field: str, pops: tuple[str, ...]) -> tuple[str, ...]:
    if len(pops) > POPS_MOST:
        limit = f"at most {POPS_MOST}"
        raise InvalidRequest(
            f"{len(pops)} {field} are more than {POPS_MOST}", field=field, limit=limit
        )
    for pop in pops:
        check_name(field, pop)
    return tuple(dict.fromkeys(pops))


def _refuse(field: str, value: str, limit: str) -> None:
    raise InvalidRequest(f"{field} '{value[:80]}' is not {limit}", field=field, limit=limit)
