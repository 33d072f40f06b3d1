"""A node's link, frame by frame, without a stream."""

from collections.abc import AsyncIterator

import pytest

from control_plane.directory.memory import MemoryDirectory
from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.links import NodeLinks
from control_plane.fleet.registry import Registry
from nearfield.core.errors import (
    InvalidRequest,
    JoinTokenInvalid,
    NameTaken,
    NearfieldError,
    ProtocolMismatch,
)
from nearfield.core.node import Health, Intake, NodeLoad, NodeState
from nearfield.core.protocol import VERSION
from nearfield.core.wire.enums import INTAKES
from nearfield.core.wire.node import info_to_wire
from protos.nearfield.v1 import fleet_pb2, types_pb2
from tests.support.plane_builders import TOKEN, goodbye, hello, report
from tests.support.records import node_info


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def states(registry: Registry) -> AsyncIterator[DesiredStates]:
    async with MemoryDirectory() as directory:
        yield DesiredStates(directory, registry)


@pytest.fixture
def links(registry: Registry, states: DesiredStates) -> NodeLinks:
    return NodeLinks(registry, states, replica_id="plane-1", join_token=TOKEN)


def _described(**changes: str) -> types_pb2.NodeInfo:
    message = info_to_wire(node_info())
    for field, value in changes.items():
        setattr(message, field, value)
    return message


def test_a_hello_takes_the_node_in_as_it_describes_itself(
    links: NodeLinks, registry: Registry
) -> None:
    info = links.join(hello())
    view = registry.get(info.name)
    assert info == view.info == node_info()
    assert (view.state, view.health) == (NodeState.READY, Health.ALIVE)


def test_a_welcome_says_who_answers_in_which_version_and_how_often_to_report(
    links: NodeLinks,
) -> None:
    welcome = links.welcome().welcome
    assert (welcome.replica_id, welcome.protocol_version) == ("plane-1", VERSION)
    assert welcome.report_interval_seconds == 1.0


@pytest.mark.parametrize(
    ("frame", "error", "field"),
    [
        (hello(join_token="wrong"), JoinTokenInvalid, "join_token"),
        (hello(join_token=""), JoinTokenInvalid, "join_token"),
        (hello(join_token="wróng"), JoinTokenInvalid, "join_token"),
        (hello(protocol_version=0), ProtocolMismatch, "protocol_version"),
        (hello(protocol_version=99), ProtocolMismatch, "protocol_version"),
        (hello(state=0), InvalidRequest, "state"),
        (hello(state=77), InvalidRequest, "state"),
        (hello(node=_described(name="")), InvalidRequest, "node.name"),
        (hello(node=_described(name="Fra1-A")), InvalidRequest, "node.name"),
        (hello(node=_described(pop="fra 1")), InvalidRequest, "node.pop"),
        (hello(node=_described(endpoint="")), InvalidRequest, "node.endpoint"),
        (hello(node=_described(incarnation="")), InvalidRequest, "node.incarnation"),
        (report(), InvalidRequest, "frame"),
        (fleet_pb2.NodeFrame(), InvalidRequest, "frame"),
    ],
)
def test_a_hello_that_is_not_right_names_what_is_wrong_and_takes_nobody_in(
    links: NodeLinks,
    registry: Registry,
    frame: fleet_pb2.NodeFrame,
    error: type[NearfieldError],
    field: str,
) -> None:
    with pytest.raises(error) as caught:
        links.join(frame)
    assert caught.value.field == field
    assert registry.views() == []


def test_a_refusal_does_not_show_the_token(links: NodeLinks) -> None:
    with pytest.raises(JoinTokenInvalid) as caught:
        links.join(hello(join_token="a guess"))
    assert TOKEN not in caught.value.message + caught.value.limit


def test_a_second_node_of_a_live_name_is_refused(links: NodeLinks) -> None:
    links.join(hello())
    with pytest.raises(NameTaken):
        links.join(hello(node_info(incarnation="inc-2")))


def test_a_report_is_noted_and_the_link_goes_on(links: NodeLinks, registry: Registry) -> None:
    info = links.join(hello())
    load = NodeLoad(running=1, base_seconds=0.02)
    assert links.take(info, report(NodeState.CORDONED, load, reason="asked", applied_revision=4))
    view = registry.get(info.name)
    assert (view.state, view.reason, view.load) == (NodeState.CORDONED, "asked", load)
    assert view.applied_revision == 4


def test_a_goodbye_ends_the_link_and_its_end_is_no_loss(
    links: NodeLinks, registry: Registry
) -> None:
    info = links.join(hello())
    assert not links.take(info, goodbye())
    links.broken(info)
    assert registry.get(info.name).health is Health.LEFT


def test_an_end_without_a_goodbye_is_a_loss(links: NodeLinks, registry: Registry) -> None:
    info = links.join(hello())
    links.broken(info)
    assert registry.get(info.name).health is Health.LOST


def test_the_end_of_an_older_link_of_the_same_run_is_no_loss(
    links: NodeLinks, registry: Registry
) -> None:
    older = links.join(hello())
    newer = links.join(hello())
    links.broken(older)
    assert registry.get(newer.name).takes_work
    links.broken(newer)
    assert registry.get(newer.name).health is Health.LOST


def test_a_link_has_one_hello(links: NodeLinks) -> None:
    info = links.join(hello())
    with pytest.raises(InvalidRequest):
        links.take(info, hello())


def test_a_frame_of_a_later_version_is_passed_over(links: NodeLinks, registry: Registry) -> None:
    info = links.join(hello())
    assert links.take(info, fleet_pb2.NodeFrame())
    assert registry.get(info.name).takes_work


def test_a_report_of_a_state_that_does_not_exist_is_refused(links: NodeLinks) -> None:
    info = links.join(hello())
    with pytest.raises(InvalidRequest):
        links.take(info, fleet_pb2.NodeFrame(report=fleet_pb2.Report(state=77)))


async def test_a_node_is_told_its_desired_state_at_once_and_on_every_change(
    links: NodeLinks, states: DesiredStates, registry: Registry
) -> None:
    info = links.join(hello())
    frames = links.desired(info)
    first = (await anext(frames)).desired
    assert (first.revision, first.intake) == (0, INTAKES[Intake.OPEN])
    links.take(info, report(NodeState.CORDONED))  # a change of the node that is none of this
    wanted, _ = await states.change(info.name, lambda before: before)
    assert (await anext(frames)).desired.revision == wanted.revision == 1
    await frames.aclose()


async def test_what_was_desired_before_a_node_came_back_is_told_first(
    links: NodeLinks, states: DesiredStates
) -> None:
    info = links.join(hello())
    await states.change(info.name, lambda before: before)
    links.broken(info)
    frames = links.desired(links.join(hello(node_info(incarnation="inc-2"))))
    assert (await anext(frames)).desired.revision == 1
    await frames.aclose()
