import math

import pytest
from hypothesis import given

from nearfield.core.errors import InvalidRequest
from nearfield.core.node import Desired, Model, NodeInfo, NodeLoad
from nearfield.core.wire import node as wire
from protos.nearfield.v1 import fleet_pb2, types_pb2
from tests.support import nearfield_strategies as some
from tests.support.nearfield_builders import LOAD
from tests.support.records import MODEL, node_info


@given(some.infos)
def test_what_a_node_is_arrives_as_it_was_sent(info: NodeInfo) -> None:
    raw = wire.info_to_wire(info).SerializeToString()
    assert wire.info_from_wire(types_pb2.NodeInfo.FromString(raw)) == info


@given(some.loads)
def test_a_load_arrives_as_it_was_sent(load: NodeLoad) -> None:
    raw = wire.load_to_wire(load).SerializeToString()
    assert wire.load_from_wire(types_pb2.NodeLoad.FromString(raw)) == load


@given(some.desireds)
def test_a_desired_state_arrives_as_it_was_sent(desired: Desired) -> None:
    raw = wire.desired_to_wire(desired).SerializeToString()
    assert wire.desired_from_wire(fleet_pb2.Desired.FromString(raw)) == desired


def test_a_temperature_of_zero_is_not_an_unknown_one() -> None:
    message = wire.load_to_wire(LOAD)
    assert wire.load_from_wire(message).hardware.temperature_celsius is None
    message.hardware.temperature_celsius = 0.0
    assert wire.load_from_wire(message).hardware.temperature_celsius == 0.0


@pytest.mark.parametrize("field", ["name", "incarnation", "endpoint", "pop"])
def test_a_node_must_say_its(field: str) -> None:
    message = wire.info_to_wire(node_info())
    setattr(message, field, "")
    with pytest.raises(InvalidRequest) as caught:
        wire.info_from_wire(message)
    assert caught.value.field == f"node.{field}"


@pytest.mark.parametrize("field", ["name", "pop"])
@pytest.mark.parametrize("value", ["Fra1", "fra_1", "fra1-", "-fra1", "fra 1", "frá1", "a" * 64])
def test_a_name_that_dns_cannot_serve_is_refused(field: str, value: str) -> None:
    message = wire.info_to_wire(node_info())
    setattr(message, field, value)
    with pytest.raises(InvalidRequest) as caught:
        wire.info_from_wire(message)
    assert caught.value.field == f"node.{field}"
    assert "63" in caught.value.limit


@pytest.mark.parametrize("name", ["a", "7", "fra1-a", "a--b", "a" * 63])
def test_a_dns_label_is_a_name(name: str) -> None:
    assert wire.info_from_wire(wire.info_to_wire(node_info(name))).name == name


def test_a_very_long_name_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidRequest) as caught:
        wire.check_name("node.name", "x" * 100_000)
    assert len(caught.value.message) < 300


def test_a_node_off_the_earth_is_refused_by_name() -> None:
    message = wire.info_to_wire(node_info())
    message.position.longitude = math.nan
    with pytest.raises(InvalidRequest) as caught:
        wire.info_from_wire(message)
    assert caught.value.field == "longitude"


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "field",
    [
        "prefill_tokens_per_second",
        "decode_tokens_per_second",
        "base_seconds",
        "bytes_per_token",
        "service_seconds",
    ],
)
def test_a_rate_that_is_none_counts_as_unknown(field: str, value: float) -> None:
    message = wire.load_to_wire(LOAD)
    setattr(message, field, value)
    assert getattr(wire.load_from_wire(message), field) == 0.0


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_cost_that_is_none_counts_as_not_stated(value: float) -> None:
    message = wire.info_to_wire(node_info(cost_per_hour=2.0))
    message.cost_per_hour = value
    assert wire.info_from_wire(message).cost_per_hour == 0.0


@pytest.mark.parametrize(
    ("told", "ramp"),
    [(0.0, 1.0), (0.25, 0.25), (1.0, 1.0), (1.01, 1.0), (-0.5, 1.0), (math.nan, 1.0)],
)
def test_a_ramp_that_is_no_share_counts_as_all_slots(told: float, ramp: float) -> None:
    message = wire.load_to_wire(LOAD)
    message.ramp = told
    assert wire.load_from_wire(message).ramp == ramp


@pytest.mark.parametrize("number", [0, 99])
def test_an_intake_that_is_none_is_refused_by_name(number: int) -> None:
    message = wire.desired_to_wire(Desired())
    message.intake = number
    with pytest.raises(InvalidRequest) as caught:
        wire.desired_from_wire(message)
    assert caught.value.field == "desired.intake"


def test_a_model_has_the_same_shape_alone_and_in_a_node() -> None:
    alone = wire.model_to_wire(MODEL)
    (within,) = wire.info_to_wire(node_info()).models
    assert alone == within
    assert Model(alone.name, alone.digest, alone.context_tokens, alone.dtype) == MODEL
