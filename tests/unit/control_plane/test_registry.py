"""The live view, under a clock that is turned by hand."""

import pytest

from control_plane.directory.base import Check
from control_plane.fleet.registry import Registry
from nearfield.core.errors import NameTaken, UnknownNode
from nearfield.core.node import Desired, Health, Intake, NodeInfo, NodeLoad, NodeState
from tests.support.plane_builders import FakeClock
from tests.support.records import node_info, record

NAME = "fra1-a"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(clock: FakeClock) -> Registry:
    return Registry(clock)


@pytest.fixture
def joined(registry: Registry) -> NodeInfo:
    """A node that has joined, ready."""
    info = node_info(NAME)
    registry.join(info, NodeState.READY)
    return info


def _hear(registry: Registry, state: NodeState = NodeState.READY, reason: str = "") -> None:
    registry.report(NAME, state, reason, NodeLoad(), applied_revision=0)


def _silence(registry: Registry, clock: FakeClock, seconds: float) -> None:
    clock.advance(seconds)
    registry.notice_silence()


def test_a_node_that_joins_is_alive_and_in_the_state_it_says(registry: Registry) -> None:
    registry.join(node_info(NAME), NodeState.CORDONED)
    view = registry.get(NAME)
    assert (view.health, view.state) == (Health.ALIVE, NodeState.CORDONED)
    assert view.info == node_info(NAME)


def test_a_report_carries_state_load_and_revision(registry: Registry, joined: NodeInfo) -> None:
    load = NodeLoad(running=2, slots=4)
    registry.report(NAME, NodeState.DRAINING, "asked to", load, applied_revision=7)
    view = registry.get(NAME)
    assert (view.state, view.reason) == (NodeState.DRAINING, "asked to")
    assert (view.load, view.applied_revision) == (load, 7)


def test_how_long_ago_it_was_heard_grows_and_starts_anew(
    registry: Registry, clock: FakeClock, joined: NodeInfo
) -> None:
    clock.advance(2)
    assert registry.get(NAME).heard == 2
    assert [view.heard for view in registry.views()] == [2]
    _hear(registry)
    assert registry.get(NAME).heard == 0


@pytest.mark.parametrize(
    ("seconds", "health"),
    [(3, Health.ALIVE), (3.1, Health.SUSPECT), (10, Health.SUSPECT), (10.1, Health.LOST)],
)
def test_silence_makes_a_suspect_after_3_s_and_a_loss_after_10_s(
    registry: Registry, clock: FakeClock, joined: NodeInfo, seconds: float, health: Health
) -> None:
    _silence(registry, clock, seconds)
    assert registry.get(NAME).health is health


def test_silence_is_given_as_the_reason(
    registry: Registry, clock: FakeClock, joined: NodeInfo
) -> None:
    _silence(registry, clock, 12)
    assert registry.get(NAME).reason == "silent for 12 s"


@pytest.mark.parametrize("seconds", [4, 30])
def test_a_report_brings_a_silent_node_back(
    registry: Registry, clock: FakeClock, joined: NodeInfo, seconds: float
) -> None:
    _silence(registry, clock, seconds)
    _hear(registry)
    view = registry.get(NAME)
    assert (view.health, view.reason, view.takes_work) == (Health.ALIVE, "", True)


def test_another_node_cannot_take_the_name_of_a_linked_one(
    registry: Registry, clock: FakeClock, joined: NodeInfo
) -> None:
    _silence(registry, clock, 30)  # lost, but its link still stands
    with pytest.raises(NameTaken) as caught:
        registry.join(node_info(NAME, incarnation="inc-2"), NodeState.READY)
    assert caught.value.field == "node.name"
    assert joined.endpoint in caught.value.message
    assert registry.get(NAME).info is joined


def test_a_node_that_links_anew_keeps_its_name(registry: Registry, joined: NodeInfo) -> None:
    registry.join(node_info(NAME), NodeState.DRAINED)
    assert registry.get(NAME).state is NodeState.DRAINED


def test_once_the_link_broke_the_name_is_free(registry: Registry, joined: NodeInfo) -> None:
    registry.broken(joined, "cut")
    registry.join(node_info(NAME, incarnation="inc-2"), NodeState.READY)
    assert registry.get(NAME).info.incarnation == "inc-2"


def test_a_broken_link_is_a_loss_at_once(registry: Registry, joined: NodeInfo) -> None:
    registry.broken(joined, "its connection closed")
    view = registry.get(NAME)
    assert (view.health, view.reason) == (Health.LOST, "its connection closed")


def test_who_tells_of_a_break_learns_whether_it_was_the_nodes_link(
    registry: Registry, joined: NodeInfo
) -> None:
    assert registry.broken(node_info(NAME), "cut") is False
    assert registry.broken(joined, "cut") is True
    assert registry.broken(joined, "cut") is False
    assert registry.broken(node_info("nobody"), "cut") is False


def test_a_report_without_a_load_is_as_last_reported(registry: Registry, joined: NodeInfo) -> None:
    load = NodeLoad(running=2, slots=4)
    registry.report(NAME, NodeState.READY, "", load, applied_revision=1)
    registry.report(NAME, NodeState.DRAINING, "asked to", None, applied_revision=2)
    view = registry.get(NAME)
    assert (view.load, view.state, view.applied_revision) == (load, NodeState.DRAINING, 2)


def test_nodes_are_counted_until_they_are_forgotten(registry: Registry, joined: NodeInfo) -> None:
    registry.join(node_info("fra1-b"), NodeState.READY)
    assert len(registry) == 2
    registry.goodbye(NAME)
    assert len(registry) == 2
    registry.forget(NAME)
    assert len(registry) == 1


def test_a_failed_node_keeps_its_own_reason_when_its_link_breaks(
    registry: Registry, joined: NodeInfo
) -> None:
    _hear(registry, NodeState.FAILED, "its engine died")
    registry.broken(joined, "its connection closed")
    assert registry.get(NAME).reason == "its engine died"


@pytest.mark.parametrize("incarnation", ["inc-1", "inc-2"])
def test_an_older_link_that_breaks_late_does_not_touch_the_newer_one(
    registry: Registry, joined: NodeInfo, incarnation: str
) -> None:
    if incarnation != joined.incarnation:
        registry.broken(joined, "cut")
    newer = node_info(NAME, incarnation=incarnation)
    registry.join(newer, NodeState.READY)
    registry.broken(joined, "cut, noticed late")
    assert registry.get(NAME).takes_work
    registry.broken(newer, "cut")
    assert registry.get(NAME).health is Health.LOST


def test_a_goodbye_is_no_loss_and_ends_with_forgetting(
    registry: Registry, joined: NodeInfo
) -> None:
    registry.goodbye(NAME)
    assert registry.get(NAME).health is Health.LEFT
    registry.broken(joined, "its connection closed")  # as every link ends
    assert registry.get(NAME).health is Health.LEFT
    registry.forget(NAME)
    assert registry.views() == []


def test_a_lost_node_whose_link_still_stands_may_say_goodbye(
    registry: Registry, clock: FakeClock, joined: NodeInfo
) -> None:
    _silence(registry, clock, 30)
    registry.goodbye(NAME)
    assert registry.get(NAME).health is Health.LEFT


def test_a_node_that_came_back_before_it_was_forgotten_stays(
    registry: Registry, joined: NodeInfo
) -> None:
    registry.goodbye(NAME)
    registry.join(node_info(NAME, incarnation="inc-2"), NodeState.READY)
    registry.forget(NAME)
    assert registry.get(NAME).info.incarnation == "inc-2"


def test_what_the_directory_remembers_is_suspect_until_heard(
    registry: Registry, clock: FakeClock
) -> None:
    registry.restore((record("a"), record("b", Check.WARNING), record("c", Check.CRITICAL, "gone")))
    assert [(view.health, view.state) for view in registry.views()] == [
        (Health.SUSPECT, NodeState.READY),
        (Health.SUSPECT, NodeState.CORDONED),
        (Health.LOST, NodeState.READY),
    ]
    assert registry.get("c").reason == "gone"
    _silence(registry, clock, 10.1)
    assert {view.health for view in registry.views()} == {Health.LOST}


def test_a_restored_name_is_free_for_the_node_that_comes_back(registry: Registry) -> None:
    registry.restore((record(NAME),))
    registry.join(node_info(NAME, incarnation="inc-2"), NodeState.READY)
    assert registry.get(NAME).takes_work


def test_restoring_does_not_touch_who_has_joined(registry: Registry, joined: NodeInfo) -> None:
    registry.restore((record(NAME, Check.CRITICAL),))
    assert registry.get(NAME).takes_work


def test_a_desired_state_survives_a_new_join(registry: Registry, joined: NodeInfo) -> None:
    desired = Desired(revision=3, intake=Intake.CORDONED)
    registry.set_desired(NAME, desired)
    registry.join(node_info(NAME), NodeState.READY)
    assert registry.get(NAME).desired == desired


def test_an_unknown_node_is_an_error_that_names_who_is_known(
    registry: Registry, joined: NodeInfo
) -> None:
    with pytest.raises(UnknownNode) as caught:
        registry.get("x" * 1000)
    assert caught.value.limit == NAME
    assert len(caught.value.message) < 200
