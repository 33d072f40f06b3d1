import pytest
from hypothesis import given

from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.errors import InvalidRequest
from nearfield.core.wire import constraints as wire
from protos.nearfield.v1 import types_pb2 as pb
from tests.support import nearfield_strategies as some


@given(some.constraints)
def test_constraints_arrive_as_they_were_sent(value: Constraints) -> None:
    raw = wire.constraints_to_wire(value).SerializeToString()
    assert wire.constraints_from_wire(pb.Constraints.FromString(raw)) == value


@given(some.preferences)
def test_preferences_arrive_as_they_were_sent(value: Preferences) -> None:
    raw = wire.preferences_to_wire(value).SerializeToString()
    assert wire.preferences_from_wire(pb.Preferences.FromString(raw)) == value


def test_no_constraints_take_no_place_on_the_wire() -> None:
    assert wire.constraints_to_wire(Constraints()).ByteSize() == 0
    assert wire.constraints_from_wire(pb.Constraints()) == Constraints()


def test_a_wish_of_unsaid_worth_has_the_usual_one() -> None:
    assert wire.preferences_from_wire(pb.Preferences()) == Preferences()
    wished = wire.preferences_from_wire(pb.Preferences(providers=["acme"]))
    assert wished == Preferences(providers=("acme",))
    assert wished.worth == 0.05


def test_a_wish_worth_nothing_is_not_one_of_unsaid_worth() -> None:
    message = pb.Preferences(providers=["acme"], worth_seconds=0.0)
    assert wire.preferences_from_wire(message).worth == 0.0


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.Constraints(jurisdictions=["eu"] * 65), "constraints.jurisdictions"),
        (pb.Constraints(providers=[""]), "constraints.providers"),
        (pb.Constraints(accelerators=["x" * 65]), "constraints.accelerators"),
        (pb.Constraints(cost_per_hour_most=0.0), "constraints.cost_per_hour_most"),
    ],
)
def test_constraints_out_of_bounds_are_refused_by_name(message: pb.Constraints, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.constraints_from_wire(message)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.Preferences(providers=["x"] * 65), "preferences.providers"),
        (pb.Preferences(accelerators=[""]), "preferences.accelerators"),
        (pb.Preferences(cost_per_hour_most=-1.0), "preferences.cost_per_hour_most"),
        (pb.Preferences(worth_seconds=61.0), "preferences.worth_seconds"),
    ],
)
def test_preferences_out_of_bounds_are_refused_by_name(message: pb.Preferences, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.preferences_from_wire(message)
    assert caught.value.field == field


def test_a_name_that_is_no_text_is_refused_before_it_is_sent() -> None:
    with pytest.raises(InvalidRequest) as constraints:
        wire.constraints_to_wire(Constraints(jurisdictions=("\ud800",)))
    with pytest.raises(InvalidRequest) as preferences:
        wire.preferences_to_wire(Preferences(providers=("\ud800",)))
    assert (constraints.value.field, preferences.value.field) == ("constraints", "preferences")
