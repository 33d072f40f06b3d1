"""What the registry tells those who follow it."""

import pytest

from control_plane.fleet.registry import Registry
from nearfield.core.node import Desired, NodeLoad, NodeState
from tests.support.plane_builders import FakeClock
from tests.support.records import node_info

NAME = "fra1-a"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(clock: FakeClock) -> Registry:
    registry = Registry(clock)
    registry.join(node_info(NAME), NodeState.READY)
    return registry


def _hear(registry: Registry, state: NodeState, running: int = 0) -> None:
    registry.report(NAME, state, "", NodeLoad(running=running), applied_revision=0)


def test_a_report_that_moves_the_load_alone_is_no_change(registry: Registry) -> None:
    revision = registry.revision
    with registry.changes.follow() as changes, registry.reports.follow() as reports:
        _hear(registry, NodeState.READY, running=3)
        assert changes.drain() == set()
        assert reports.drain() == {NAME}
    assert registry.revision == revision


def test_a_report_of_another_state_is_a_change(registry: Registry) -> None:
    revision = registry.revision
    with registry.changes.follow() as changes:
        _hear(registry, NodeState.CORDONED)
        assert changes.drain() == {NAME}
    assert registry.revision > revision


def test_a_silence_is_told_once(registry: Registry, clock: FakeClock) -> None:
    with registry.changes.follow() as changes:
        clock.advance(4)
        registry.notice_silence()
        assert changes.drain() == {NAME}
        clock.advance(1)
        registry.notice_silence()
        assert changes.drain() == set()


def test_a_node_that_is_back_is_told(registry: Registry, clock: FakeClock) -> None:
    clock.advance(4)
    registry.notice_silence()
    with registry.changes.follow() as changes:
        _hear(registry, NodeState.READY)
        assert changes.drain() == {NAME}


def test_joining_wishing_leaving_and_forgetting_are_told(registry: Registry) -> None:
    with registry.changes.follow() as changes:
        registry.join(node_info("nrt1-a"), NodeState.READY)
        assert changes.drain() == {"nrt1-a"}
        registry.set_desired(NAME, Desired(revision=1))
        assert changes.drain() == {NAME}
        registry.goodbye(NAME)
        assert changes.drain() == {NAME}
        registry.forget(NAME)
        assert changes.drain() == {NAME}
        registry.forget(NAME)
        assert changes.drain() == set()
