"""What a request asks of the place where it runs."""

from nearfield.core.constraints import (
    NO_CONSTRAINTS,
    NO_PREFERENCES,
    WORTH_SECONDS,
    Constraints,
    Preferences,
)
from nearfield.core.wire.held import held
from protos.nearfield.v1 import types_pb2 as pb


def constraints_to_wire(constraints: Constraints) -> pb.Constraints:
    """Write constraints; raises InvalidRequest for names that are no UTF-8."""
    with held("constraints"):
        return pb.Constraints(
            jurisdictions=constraints.jurisdictions,
            providers=constraints.providers,
            cost_per_hour_most=constraints.cost_per_hour_most,
            accelerators=constraints.accelerators,
        )


def constraints_from_wire(message: pb.Constraints) -> Constraints:
    """Read constraints; raises InvalidRequest for what is out of bounds."""
    if not message.ByteSize():
        return NO_CONSTRAINTS
    return Constraints(
        jurisdictions=tuple(message.jurisdictions),
        providers=tuple(message.providers),
        cost_per_hour_most=(
            message.cost_per_hour_most if message.HasField("cost_per_hour_most") else None
        ),
        accelerators=tuple(message.accelerators),
    )


def preferences_to_wire(preferences: Preferences) -> pb.Preferences:
    """Write preferences; raises InvalidRequest for names that are no UTF-8."""
    with held("preferences"):
        return pb.Preferences(
            providers=preferences.providers,
            cost_per_hour_most=preferences.cost_per_hour_most,
            accelerators=preferences.accelerators,
            worth_seconds=preferences.worth,
        )


def preferences_from_wire(message: pb.Preferences) -> Preferences:
    """Read preferences; raises InvalidRequest for what is out of bounds."""
    if not message.ByteSize():
        return NO_PREFERENCES
    return Preferences(
        providers=tuple(message.providers),
        cost_per_hour_most=(
            message.cost_per_hour_most if message.HasField("cost_per_hour_most") else None
        ),
        accelerators=tuple(message.accelerators),
        worth=message.worth_seconds if message.HasField("worth_seconds") else WORTH_SECONDS,
    )
