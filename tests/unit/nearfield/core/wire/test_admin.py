import pytest
from hypothesis import given

from nearfield.core.errors import InvalidRequest
from nearfield.core.node import NodeView, ServedModel
from nearfield.core.policy import ModelPolicy
from nearfield.core.wire import admin as wire
from protos.nearfield.v1 import admin_pb2 as pb
from tests.support import nearfield_strategies as some
from tests.support.nearfield_builders import view


@given(some.views)
def test_a_view_of_a_node_arrives_as_it_was_sent(value: NodeView) -> None:
    raw = wire.view_to_wire(value).SerializeToString()
    assert wire.view_from_wire(pb.NodeView.FromString(raw)) == value


@given(some.served_models)
def test_a_served_model_arrives_as_it_was_sent(value: ServedModel) -> None:
    raw = wire.model_to_wire(value).SerializeToString()
    assert wire.model_from_wire(pb.ServedModel.FromString(raw)) == value


def test_a_models_policy_and_who_could_serve_it_arrive_as_well() -> None:
    policy = ModelPolicy("m", ("fra1",), 0, 3)
    for value in (
        ServedModel("m", "", 0, (), (), policy, ("a", "b")),
        ServedModel("m", "sha256:5e", 9, ("a",), (), None),
    ):
        raw = wire.model_to_wire(value).SerializeToString()
        assert wire.model_from_wire(pb.ServedModel.FromString(raw)) == value


@pytest.mark.parametrize("field", ["state", "health"])
@pytest.mark.parametrize("number", [0, 99])
def test_an_enumeration_of_a_newer_side_is_refused_by_name(field: str, number: int) -> None:
    message = wire.view_to_wire(view())
    setattr(message, field, number)
    with pytest.raises(InvalidRequest) as caught:
        wire.view_from_wire(message)
    assert caught.value.field == field
