"""Packing operations into Consul's transactions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.directory.transaction import MAX_BYTES, MAX_OPERATIONS, batches
from nearfield.core.errors import LimitExceeded

sizes = st.sampled_from([0, 1, 1000, 40_000, 130_000])
groups = st.lists(st.lists(sizes, min_size=1, max_size=3), max_size=150)


def group(*sizes: int) -> list[dict]:
    return [{"Node": {"pad": "x" * size}} for size in sizes]


@given(groups)
def test_every_operation_is_sent_once_in_order_and_within_the_limits(shape):
    work = [group(*sizes) for sizes in shape]
    bodies = list(batches(work))
    assert all(len(body) <= MAX_BYTES for body in bodies)
    assert all(1 <= len(json.loads(body)) <= MAX_OPERATIONS for body in bodies)
    sent = [operation for body in bodies for operation in json.loads(body)]
    assert sent == [operation for each in work for operation in each]


@pytest.mark.parametrize(("nodes", "transactions"), [(0, 0), (1, 1), (21, 1), (22, 2), (200, 10)])
def test_a_node_of_three_operations_is_never_split(nodes, transactions):
    bodies = list(batches([group(1, 1, 1)] * nodes))
    assert len(bodies) == transactions
    assert all(len(json.loads(body)) % 3 == 0 for body in bodies)


def test_single_operations_fill_a_transaction():
    assert [len(json.loads(body)) for body in batches([group(1)] * 65)] == [64, 1]


def test_a_body_of_just_the_limit_is_one_transaction():
    overhead = len(next(batches([group(0)])))
    (body,) = batches([group(MAX_BYTES - overhead)])
    assert len(body) == MAX_BYTES


def test_a_node_beyond_the_limit_is_refused():
    with pytest.raises(LimitExceeded) as raised:
        list(batches([group(MAX_BYTES)]))
    assert raised.value.field == "node"
