"""Enumerations, both ways, as tables."""

from enum import StrEnum
from typing import TypeVar

from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import AttemptKind, FinishReason
from nearfield.core.node import Health, Intake, NodeState
from nearfield.core.prediction import RoundTripSource
from nearfield.core.route import Tier
from protos.nearfield.v1 import admin_pb2, inference_pb2, routing_pb2, types_pb2

Value = TypeVar("Value", bound=StrEnum)
Number = TypeVar("Number", bound=int)

NODE_STATES = {
    NodeState.READY: types_pb2.NODE_STATE_READY,
    NodeState.CORDONED: types_pb2.NODE_STATE_CORDONED,
    NodeState.DRAINING: types_pb2.NODE_STATE_DRAINING,
    NodeState.DRAINED: types_pb2.NODE_STATE_DRAINED,
    NodeState.FAILED: types_pb2.NODE_STATE_FAILED,
    NodeState.STARTING: types_pb2.NODE_STATE_STARTING,
}
INTAKES = {
    Intake.OPEN: types_pb2.INTAKE_OPEN,
    Intake.CORDONED: types_pb2.INTAKE_CORDONED,
    Intake.DRAINED: types_pb2.INTAKE_DRAINED,
}
HEALTHS = {
    Health.ALIVE: admin_pb2.HEALTH_ALIVE,
    Health.SUSPECT: admin_pb2.HEALTH_SUSPECT,
    Health.LOST: admin_pb2.HEALTH_LOST,
    Health.LEFT: admin_pb2.HEALTH_LEFT,
}
ATTEMPT_KINDS = {
    AttemptKind.FIRST: inference_pb2.ATTEMPT_KIND_FIRST,
    AttemptKind.RETRY: inference_pb2.ATTEMPT_KIND_RETRY,
}
FINISH_REASONS = {
    FinishReason.STOP: inference_pb2.FINISH_REASON_STOP,
    FinishReason.LENGTH: inference_pb2.FINISH_REASON_LENGTH,
}
ROUND_TRIP_SOURCES = {
    RoundTripSource.MEASURED: routing_pb2.ROUND_TRIP_SOURCE_MEASURED,
    RoundTripSource.NETWORK: routing_pb2.ROUND_TRIP_SOURCE_NETWORK,
    RoundTripSource.GEOGRAPHY: routing_pb2.ROUND_TRIP_SOURCE_GEOGRAPHY,
    RoundTripSource.UNKNOWN: routing_pb2.ROUND_TRIP_SOURCE_UNKNOWN,
}

TIERS = {
    Tier.POP: routing_pb2.TIER_POP,
    Tier.NEIGHBOUR: routing_pb2.TIER_NEIGHBOUR,
    Tier.CORE: routing_pb2.TIER_CORE,
}


def from_number(table: dict[Value, Number], number: int, field: str) -> Value:
    """Return the value of an enum number; raises InvalidRequest where it has none."""
    for value, known in table.items():
        if known == number:
            return value
    names = ", ".join(table)
    raise InvalidRequest(f"{field} {number} is not one of {names}", field=field, limit=names)
