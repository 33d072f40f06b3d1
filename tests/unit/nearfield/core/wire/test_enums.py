from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.errors import InvalidRequest
from nearfield.core.wire import enums
from protos.nearfield.v1 import admin_pb2, inference_pb2, routing_pb2, types_pb2

TABLES: list[tuple[dict[Any, int], Any]] = [
    (enums.NODE_STATES, types_pb2.NodeState),
    (enums.INTAKES, types_pb2.Intake),
    (enums.HEALTHS, admin_pb2.Health),
    (enums.ATTEMPT_KINDS, inference_pb2.AttemptKind),
    (enums.FINISH_REASONS, inference_pb2.FinishReason),
    (enums.ROUND_TRIP_SOURCES, routing_pb2.RoundTripSource),
    (enums.TIERS, routing_pb2.Tier),
]


@pytest.mark.parametrize(("table", "message"), TABLES)
def test_a_table_has_every_value_once_and_never_unspecified(
    table: dict[Any, int], message: Any
) -> None:
    (kind,) = {type(value) for value in table}
    assert list(table) == list(kind)
    assert len(set(table.values())) == len(table)
    assert 0 not in table.values()


@pytest.mark.parametrize(("table", "message"), TABLES)
def test_a_value_has_the_name_that_it_has_on_the_wire(table: dict[Any, int], message: Any) -> None:
    for value, number in table.items():
        assert message.Name(number).endswith(f"_{value.name}")


def test_no_table_is_left_out_here() -> None:
    tables = [one for one in vars(enums).values() if isinstance(one, dict)]
    ours = [table for table in tables if all(isinstance(value, StrEnum) for value in table)]
    assert [id(table) for table in ours if table] == [id(table) for table, _ in TABLES]


@given(st.sampled_from(TABLES), st.data())
def test_a_value_comes_back_as_it_went(
    pair: tuple[dict[Any, int], Any], data: st.DataObject
) -> None:
    table, message = pair
    value = data.draw(st.sampled_from(list(table)))
    number = message.Value(message.Name(table[value]))
    assert enums.from_number(table, number, "f") is value


@pytest.mark.parametrize(("table", "message"), TABLES)
@pytest.mark.parametrize("number", [0, -1, 99])
def test_a_number_without_a_value_is_refused_by_name(
    table: dict[Any, int], message: Any, number: int
) -> None:
    with pytest.raises(InvalidRequest, match=f"some_field {number}") as caught:
        enums.from_number(table, number, "some_field")
    assert caught.value.field == "some_field"
    assert caught.value.limit == ", ".join(table)
