"""Which nodes meet a request's constraints, decided for all nodes that are alike."""

from dataclasses import replace

from hypothesis import given

from control_plane.routing.kinds import FAILURES, PASSES, TABLES_MOST, Kinds
from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.node import NodeView
from tests.support.records import MODEL, node_info
from tests.support.routing_builders import constraints, fleets, preferences


@given(fleets(), constraints)
def test_a_kind_fails_what_each_of_its_nodes_fails(
    fleet: list[NodeView], asked: Constraints
) -> None:
    kinds = Kinds()
    numbers = [kinds.number(one.info) for one in fleet]
    failed = kinds.failed(MODEL.name, asked)
    for one, number in zip(fleet, numbers, strict=True):
        serves = one.info.model(MODEL.name) is not None
        assert FAILURES[failed[number]] == (asked.failed_by(one.info) if serves else "model")


@given(fleets(), preferences)
def test_a_kind_has_the_penalty_of_each_of_its_nodes(
    fleet: list[NodeView], wishes: Preferences
) -> None:
    kinds = Kinds()
    numbers = [kinds.number(one.info) for one in fleet]
    penalties = kinds.penalties(wishes)
    for one, number in zip(fleet, numbers, strict=True):
        assert penalties[number] == wishes.penalty(one.info)


def test_nodes_that_differ_in_name_and_place_alone_are_of_one_kind() -> None:
    kinds = Kinds()
    first = kinds.number(node_info("a", pop="fra1"))
    assert kinds.number(node_info("b", pop="ams1", incarnation="inc-2")) == first
    assert kinds.number(node_info("c", cost_per_hour=2.0)) != first
    assert len(kinds) == 2


def test_a_kind_that_came_after_a_question_is_judged_when_it_is_asked_again() -> None:
    kinds = Kinds()
    eu = kinds.number(node_info("a"))
    asked = Constraints(jurisdictions=("eu",))
    assert kinds.failed(MODEL.name, asked).tolist() == [PASSES]
    us = kinds.number(node_info("b", jurisdiction="us"))
    other = kinds.number(node_info("c", models=(replace(MODEL, name="other"),)))
    failed = kinds.failed(MODEL.name, asked)
    assert [FAILURES[failed[kind]] for kind in (eu, us, other)] == ["", "jurisdiction", "model"]


def test_no_more_questions_are_remembered_than_the_bound() -> None:
    kinds = Kinds()
    kinds.number(node_info())
    for index in range(TABLES_MOST + 10):
        kinds.failed(MODEL.name, Constraints(cost_per_hour_most=1.0 + index))
    assert len(kinds._failed) == TABLES_MOST
