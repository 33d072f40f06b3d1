"""Many nodes' links over one stream, frame by frame, without a stream."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from google.rpc import status_pb2

from control_plane.directory.memory import MemoryDirectory
from control_plane.fleet import relayed
from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.links import NodeLinks
from control_plane.fleet.policies import Policies
from control_plane.fleet.registry import Registry
from control_plane.fleet.relayed import RelayedLinks
from control_plane.fleet.residency import PrefixIndex
from nearfield.core.errors import InvalidRequest, JoinTokenInvalid, NameTaken
from nearfield.core.node import Desired, Health, Intake, NodeState
from nearfield.core.rpc.status import from_status
from nearfield.core.trust import Trust
from nearfield.core.wire.enums import INTAKES
from protos.nearfield.v1 import fleet_pb2 as pb
from tests.support.plane_builders import TOKEN, goodbye, hello, report
from tests.support.records import node_info


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def links(registry: Registry) -> AsyncIterator[RelayedLinks]:
    async with MemoryDirectory() as directory:
        nodes = NodeLinks(
            registry,
            DesiredStates(directory, registry),
            Policies(directory),
            PrefixIndex(),
            Trust,
            replica_id="plane-1",
            join_token=TOKEN,
        )
        found = RelayedLinks(nodes)
        yield found
        await found.aclose()


def _hello(name: str) -> pb.NodeFrame:
    return hello(node_info(name))


def _take(links: RelayedLinks, link: int, frame: pb.NodeFrame) -> None:
    links.take(pb.RelayedNodeFrame(link=link, frame=frame))


async def _gathered(links: RelayedLinks) -> list[pb.RelayedPlaneFrame]:
    """Return the next batch."""
    batches = links.batches()
    batch = await anext(batches)
    await batches.aclose()
    return list(batch.frames)


def _error(frames: list[pb.RelayedPlaneFrame], link: int) -> object:
    (status,) = [one.error for one in frames if one.link == link and one.error]
    return from_status(status_pb2.Status.FromString(status))


async def test_each_node_is_welcome_by_its_own_number_in_one_batch(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 7, _hello("fra1-b"))
    frames = await _gathered(links)
    assert [one.link for one in frames if one.frame.HasField("welcome")] == [1, 7]
    assert {view.info.name: view.health for view in registry.views()} == {
        "fra1-a": Health.ALIVE,
        "fra1-b": Health.ALIVE,
    }


async def test_a_report_counts_for_the_node_of_its_link_alone(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 2, _hello("fra1-b"))
    _take(links, 2, report(NodeState.CORDONED, applied_revision=4))
    assert registry.get("fra1-a").state is NodeState.READY
    view = registry.get("fra1-b")
    assert (view.state, view.applied_revision) == (NodeState.CORDONED, 4)


async def test_a_desired_state_goes_down_the_link_of_its_node(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 2, _hello("fra1-b"))
    await _gathered(links)
    registry.set_desired("fra1-b", Desired(revision=1, intake=Intake.DRAINED))
    frames = await _gathered(links)
    assert [(one.link, one.frame.desired.intake) for one in frames] == [
        (2, INTAKES[Intake.DRAINED])
    ]


async def test_a_refused_join_ends_its_link_with_a_typed_error_and_no_other(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 2, hello(node_info("fra1-b"), join_token="wrong"))
    error = _error(await _gathered(links), 2)
    assert isinstance(error, JoinTokenInvalid)
    assert error.field == "join_token"
    assert [view.info.name for view in registry.views()] == ["fra1-a"]


async def test_a_name_that_a_live_node_of_another_link_holds_is_taken(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 2, hello(node_info("fra1-a", incarnation="inc-2")))
    assert isinstance(_error(await _gathered(links), 2), NameTaken)
    assert registry.get("fra1-a").info.incarnation == "inc-1"


async def test_a_link_that_starts_without_a_hello_is_refused(links: RelayedLinks) -> None:
    _take(links, 1, report())
    error = _error(await _gathered(links), 1)
    assert isinstance(error, InvalidRequest)
    assert error.limit == "hello"


async def test_a_bad_frame_breaks_the_link_it_came_over(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 2, _hello("fra1-b"))
    _take(links, 1, _hello("fra1-a"))
    assert isinstance(_error(await _gathered(links), 1), InvalidRequest)
    assert registry.get("fra1-a").health is Health.LOST
    assert registry.get("fra1-b").health is Health.ALIVE


async def test_a_nodes_cut_is_seen_at_once(links: RelayedLinks, registry: Registry) -> None:
    _take(links, 1, _hello("fra1-a"))
    links.take(pb.RelayedNodeFrame(link=1, closed=True))
    view = registry.get("fra1-a")
    assert (view.health, view.reason) == (Health.LOST, "its connection closed")


async def test_a_link_that_ends_after_a_goodbye_is_no_cut(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 1, goodbye())
    links.take(pb.RelayedNodeFrame(link=1, closed=True))
    assert registry.get("fra1-a").health is Health.LEFT


async def test_the_end_of_the_stream_breaks_every_link_of_it(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 2, _hello("fra1-b"))
    await links.aclose()
    assert {view.health for view in registry.views()} == {Health.LOST}


async def test_a_link_that_was_cut_is_told_nothing_more(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 2, _hello("fra1-b"))
    await _gathered(links)
    links.take(pb.RelayedNodeFrame(link=1, closed=True))
    registry.set_desired("fra1-a", Desired(revision=1))
    registry.set_desired("fra1-b", Desired(revision=1))
    assert [one.link for one in await _gathered(links)] == [2]


async def test_a_node_that_links_anew_outlives_the_end_of_its_first_link(
    links: RelayedLinks, registry: Registry
) -> None:
    _take(links, 1, _hello("fra1-a"))
    _take(links, 2, _hello("fra1-a"))
    links.take(pb.RelayedNodeFrame(link=1, closed=True))
    assert registry.get("fra1-a").health is Health.ALIVE


async def test_one_node_more_than_a_relay_may_carry_is_refused(
    links: RelayedLinks, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relayed, "LINKS_MOST", 1)
    _take(links, 1, _hello("fra1-a"))
    _take(links, 2, _hello("fra1-b"))
    error = _error(await _gathered(links), 2)
    assert isinstance(error, InvalidRequest)
    assert (error.field, error.limit) == ("link", "at most 1")
    assert len(registry) == 1


async def test_nothing_of_a_link_goes_on_once_the_stream_has_ended(links: RelayedLinks) -> None:
    before = asyncio.all_tasks()
    _take(links, 1, _hello("fra1-a"))
    assert len(asyncio.all_tasks()) > len(before)
    await links.aclose()
    assert asyncio.all_tasks() == before
