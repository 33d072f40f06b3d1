"""Nodes, their load and what is asked of them."""

import re

from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position
from nearfield.core.node import (
    Desired,
    Hardware,
    HardwareLoad,
    KvCacheLoad,
    Model,
    NodeInfo,
    NodeLoad,
)
from nearfield.core.wire.enums import INTAKES, from_number
from protos.nearfield.v1 import fleet_pb2, types_pb2

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
NAME_MOST = 63
"""Characters of a node's name: what a DNS label holds, as Consul serves names over DNS."""


def position_to_wire(position: Position) -> types_pb2.Position:
    return types_pb2.Position(latitude=position.latitude, longitude=position.longitude)


def position_from_wire(message: types_pb2.Position) -> Position:
    return Position(message.latitude, message.longitude)


def model_to_wire(model: Model) -> types_pb2.Model:
    return types_pb2.Model(
        name=model.name,
        digest=model.digest,
        context_tokens=model.context_tokens,
        dtype=model.dtype,
    )


def info_to_wire(info: NodeInfo) -> types_pb2.NodeInfo:
    hardware = info.hardware
    return types_pb2.NodeInfo(
        name=info.name,
        incarnation=info.incarnation,
        endpoint=info.endpoint,
        pop=info.pop,
        position=position_to_wire(info.position),
        jurisdiction=info.jurisdiction,
        provider=info.provider,
        models=[model_to_wire(model) for model in info.models],
        hardware=types_pb2.Hardware(
            accelerator=hardware.accelerator,
            accelerators=hardware.accelerators,
            memory_bytes=hardware.memory_bytes,
            cpu=hardware.cpu,
            cpu_cores=hardware.cpu_cores,
        ),
        version=info.version,
        cost_per_hour=info.cost_per_hour,
        core=info.core,
        local_models=info.local_models,
    )


def info_from_wire(message: types_pb2.NodeInfo) -> NodeInfo:
    for field in ("name", "incarnation", "endpoint", "pop"):
        if not getattr(message, field):
            raise InvalidRequest(f"node.{field} is empty", field=f"node.{field}")
    check_name("node.name", message.name)
    check_name("node.pop", message.pop)
    hardware = message.hardware
    return NodeInfo(
        name=message.name,
        incarnation=message.incarnation,
        endpoint=message.endpoint,
        pop=message.pop,
        position=position_from_wire(message.position),
        jurisdiction=message.jurisdiction,
        models=tuple(
            Model(model.name, model.digest, model.context_tokens, model.dtype)
            for model in message.models
        ),
        provider=message.provider,
        hardware=Hardware(
            accelerator=hardware.accelerator,
            accelerators=hardware.accelerators,
            memory_bytes=hardware.memory_bytes,
            cpu=hardware.cpu,
            cpu_cores=hardware.cpu_cores,
        ),
        version=message.version,
        cost_per_hour=_rate(message.cost_per_hour),
        core=message.core,
        local_models=tuple(message.local_models),
    )


def check_name(field: str, name: str) -> None:
    """Raise InvalidRequest unless `name` can be a DNS label: it becomes one in Consul.

    Lower case alone: Consul holds names that differ in case alone for one.
    """
    if not _LABEL.fullmatch(name):
        limit = f"1 to {NAME_MOST} of a-z, 0-9 and inner -"
        raise InvalidRequest(f"{field} '{name[:80]}' is not {limit}", field=field, limit=limit)


def load_to_wire(load: NodeLoad) -> types_pb2.NodeLoad:
    message = types_pb2.NodeLoad()
    write_load(load, message)
    return message


def write_load(load: NodeLoad, message: types_pb2.NodeLoad) -> None:
    """Write a load over another; field by field costs a third of building a message."""
    message.running = load.running
    message.waiting = load.waiting
    message.waiting_prompt_tokens = load.waiting_prompt_tokens
    message.slots = load.slots
    message.prefill_tokens_per_second = load.prefill_tokens_per_second
    message.decode_tokens_per_second = load.decode_tokens_per_second
    message.base_seconds = load.base_seconds
    message.steps = load.steps
    message.bytes_per_token = load.bytes_per_token
    message.service_seconds = load.service_seconds
    message.ramp = load.ramp
    _write_cache(load.kv_cache, message.kv_cache)
    _write_hardware(load.hardware, message.hardware)


def _write_cache(cache: KvCacheLoad, message: types_pb2.KvCache) -> None:
    message.usage = cache.usage
    message.capacity_tokens = cache.capacity_tokens
    message.block_tokens = cache.block_tokens
    message.query_tokens = cache.query_tokens
    message.hit_tokens = cache.hit_tokens
    message.evicted_blocks = cache.evicted_blocks
    message.cleared = cache.cleared


def _write_hardware(hardware: HardwareLoad, message: types_pb2.HardwareLoad) -> None:
    message.utilisation = hardware.utilisation
    message.memory_used_bytes = hardware.memory_used_bytes
    message.memory_total_bytes = hardware.memory_total_bytes
    if hardware.temperature_celsius is None:
        message.ClearField("temperature_celsius")
    else:
        message.temperature_celsius = hardware.temperature_celsius


def load_from_wire(message: types_pb2.NodeLoad) -> NodeLoad:
    cache, hardware = message.kv_cache, message.hardware
    return NodeLoad(
        running=message.running,
        waiting=message.waiting,
        waiting_prompt_tokens=message.waiting_prompt_tokens,
        slots=message.slots,
        kv_cache=KvCacheLoad(
            usage=cache.usage,
            capacity_tokens=cache.capacity_tokens,
            block_tokens=cache.block_tokens,
            query_tokens=cache.query_tokens,
            hit_tokens=cache.hit_tokens,
            evicted_blocks=cache.evicted_blocks,
            cleared=cache.cleared,
        ),
        prefill_tokens_per_second=_rate(message.prefill_tokens_per_second),
        decode_tokens_per_second=_rate(message.decode_tokens_per_second),
        base_seconds=_rate(message.base_seconds),
        bytes_per_token=_rate(message.bytes_per_token),
        service_seconds=_rate(message.service_seconds),
        ramp=message.ramp if 0 < message.ramp <= 1 else 1.0,
        steps=message.steps,
        hardware=HardwareLoad(
            utilisation=hardware.utilisation,
            memory_used_bytes=hardware.memory_used_bytes,
            memory_total_bytes=hardware.memory_total_bytes,
            temperature_celsius=(
                hardware.temperature_celsius if hardware.HasField("temperature_celsius") else None
            ),
        ),
    )


def desired_to_wire(desired: Desired) -> fleet_pb2.Desired:
    return fleet_pb2.Desired(
        directory_id=desired.directory_id,
        revision=desired.revision,
        intake=INTAKES[desired.intake],
        cache_generation=desired.cache_generation,
        reason=desired.reason,
        model=desired.model,
    )


def desired_from_wire(message: fleet_pb2.Desired) -> Desired:
    return Desired(
        revision=message.revision,
        intake=from_number(INTAKES, message.intake, "desired.intake"),
        cache_generation=message.cache_generation,
        reason=message.reason,
        directory_id=message.directory_id,
        model=message.model,
    )


def _rate(value: float) -> float:
    """A rate or time that is negative or no number counts as not known: it must not bend routes."""
    return value if 0 <= value < float("inf") else 0.0
