"""A node's link, frame by frame, without a stream."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from control_plane.directory.memory import MemoryDirectory
from control_plane.fleet import links as module
from control_plane.fleet import registry as registry_module
from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.links import NodeLinks
from control_plane.fleet.policies import Policies
from control_plane.fleet.registry import Registry
from control_plane.fleet.residency import PrefixIndex
from nearfield.core.errors import (
    InvalidRequest,
    JoinTokenInvalid,
    NameTaken,
    NearfieldError,
    ProtocolMismatch,
)
from nearfield.core.node import Health, Intake, NodeInfo, NodeLoad, NodeState
from nearfield.core.policy import DeclaredPrefix, FleetPolicy
from nearfield.core.prefix import PrefixSummary
from nearfield.core.protocol import VERSION
from nearfield.core.wire.enums import INTAKES
from nearfield.core.wire.node import info_to_wire
from nearfield.core.wire.prefix import summary_to_wire
from nearfield.core.wire.trust import trust_from_wire
from protos.nearfield.v1 import fleet_pb2, types_pb2
from tests.support.plane_builders import TOKEN, goodbye, hello, report
from tests.support.records import MODEL, node_info
from tests.support.tickets import trust
from tests.support.turned_time import settle


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def directory() -> AsyncIterator[MemoryDirectory]:
    async with MemoryDirectory() as opened:
        yield opened


@pytest.fixture
def states(directory: MemoryDirectory, registry: Registry) -> DesiredStates:
    return DesiredStates(directory, registry)


@pytest.fixture
def policies(directory: MemoryDirectory) -> Policies:
    return Policies(directory)


@pytest.fixture
def index() -> PrefixIndex:
    return PrefixIndex()


@pytest.fixture
def links(
    registry: Registry, states: DesiredStates, policies: Policies, index: PrefixIndex
) -> NodeLinks:
    return NodeLinks(
        registry, states, policies, index, trust, replica_id="plane-1", join_token=TOKEN
    )


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
    assert trust_from_wire(welcome.trust) == trust()


def test_the_nodes_of_a_large_fleet_are_asked_to_report_less_often(
    links: NodeLinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "LARGE_FLEET", 2)
    intervals = []
    for number in range(3):
        links.join(hello(node_info(f"fra1-{number}")))
        intervals.append(links.welcome().welcome.report_interval_seconds)
    assert intervals == [1.0, 1.0, 3.0]


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


def test_a_report_without_a_load_leaves_the_last_one_standing(
    links: NodeLinks, registry: Registry
) -> None:
    info = links.join(hello())
    links.take(info, report(load=NodeLoad(running=3)))
    links.take(info, fleet_pb2.NodeFrame(report=fleet_pb2.Report(state=1)))
    assert registry.get(info.name).load.running == 3


def summary(seq: int, *entries: tuple[int, int]) -> fleet_pb2.NodeFrame:
    told = PrefixSummary(epoch=1, seq=seq, snapshot=seq == 0, entries=entries)
    return fleet_pb2.NodeFrame(prefixes=summary_to_wire(told))


def test_a_summary_tells_which_prefixes_a_node_holds(links: NodeLinks, index: PrefixIndex) -> None:
    info = links.join(hello())
    assert links.take(info, summary(0, (11, 64), (12, 128)))
    assert links.take(info, summary(1, (12, 0), (13, 32)))
    assert [index.claim(info.name, [key]) for key in (11, 12, 13)] == [64, 0, 32]


def test_a_summary_whose_keys_and_tokens_do_not_pair_up_is_refused(links: NodeLinks) -> None:
    info = links.join(hello())
    uneven = fleet_pb2.PrefixSummary(snapshot=True, keys=[1, 2], tokens=[3])
    with pytest.raises(InvalidRequest) as caught:
        links.take(info, fleet_pb2.NodeFrame(prefixes=uneven))
    assert caught.value.field == "prefixes.tokens"


@pytest.mark.parametrize("leaves", [True, False])
def test_of_a_node_that_is_gone_no_prefixes_are_held(
    links: NodeLinks, index: PrefixIndex, leaves: bool
) -> None:
    info = links.join(hello())
    links.take(info, summary(0, (11, 64)))
    if leaves:
        links.take(info, goodbye())
    else:
        links.broken(info)
    assert len(index) == 0


def test_the_end_of_an_older_link_takes_no_prefixes_from_the_newer(
    links: NodeLinks, index: PrefixIndex
) -> None:
    older, newer = links.join(hello()), links.join(hello())
    links.take(newer, summary(0, (11, 64)))
    links.broken(older)
    assert len(index) == 1


@asynccontextmanager
async def told(
    links: NodeLinks, info: NodeInfo
) -> AsyncIterator[AsyncGenerator[fleet_pb2.PlaneFrame]]:
    """What a node is told, behind the three frames that every link starts with."""
    async with aclosing(links.frames(info)) as frames:
        for _ in range(3):
            await anext(frames)
        yield frames


async def waits(frames: AsyncGenerator[fleet_pb2.PlaneFrame]) -> "asyncio.Task[Any]":
    """Ask for the next frame, which must not be there yet."""
    following = asyncio.ensure_future(anext(frames))
    await settle()
    assert not following.done()
    return following


async def test_a_link_starts_with_what_is_desired_and_declared_and_who_is_trusted(
    links: NodeLinks,
) -> None:
    async with aclosing(links.frames(links.join(hello()))) as frames:
        desired, declared, trusted = [await anext(frames) for _ in range(3)]
    assert (desired.desired.revision, desired.desired.intake) == (0, INTAKES[Intake.OPEN])
    assert declared.HasField("declarations")
    assert list(declared.declarations.prefixes) == []
    assert trust_from_wire(trusted.trust) == trust()


async def test_a_node_is_told_its_desired_state_on_every_change(
    links: NodeLinks, states: DesiredStates
) -> None:
    info = links.join(hello())
    async with told(links, info) as frames:
        following = await waits(frames)
        links.take(info, report(NodeState.CORDONED))  # a change of the node that is none of this
        await settle()
        assert not following.done()
        wanted, _ = await states.change(info.name, lambda before: before)
        assert (await following).desired.revision == wanted.revision == 1


async def test_a_node_is_not_told_what_is_asked_of_others(
    links: NodeLinks, states: DesiredStates
) -> None:
    info, other = links.join(hello()), links.join(hello(node_info("fra1-b")))
    async with told(links, info) as frames:
        following = await waits(frames)
        await states.change(other.name, lambda before: before)
        await settle()
        assert not following.done()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_what_was_desired_before_a_node_came_back_is_told_first(
    links: NodeLinks, states: DesiredStates
) -> None:
    info = links.join(hello())
    await states.change(info.name, lambda before: before)
    links.broken(info)
    again = links.join(hello(node_info(incarnation="inc-2")))
    async with aclosing(links.frames(again)) as frames:
        assert (await anext(frames)).desired.revision == 1


def declared(name: str, **changes: Any) -> DeclaredPrefix:
    values = {"model": MODEL.name, "text": f"the text of {name}", "tenant": "acme"}
    return DeclaredPrefix(name, **{**values, **changes})


async def test_a_node_is_told_the_prefixes_of_its_pop_and_model_whenever_they_change(
    links: NodeLinks, policies: Policies
) -> None:
    async with told(links, links.join(hello())) as frames:
        for prefix in (
            declared("elsewhere", pops=("iad1",)),
            declared("another", model="another"),
            declared("here", pops=("iad1", "fra1")),
            declared("everywhere"),
        ):
            await policies.change(lambda before, prefix=prefix: before.with_prefix(prefix))
        frame = (await anext(frames)).declarations
        assert frame.revision == 4
        assert [prefix.name for prefix in frame.prefixes] == ["here", "everywhere"]
        assert (await anext(frames)).HasField("trust")
        await policies.change(lambda before: before.without_prefix("here"))
        frame = (await anext(frames)).declarations
        assert [prefix.name for prefix in frame.prefixes] == ["everywhere"]


async def test_a_change_of_the_policy_tells_who_is_trusted_and_not_the_same_prefixes_again(
    links: NodeLinks, policies: Policies
) -> None:
    async with told(links, links.join(hello())) as frames:
        await policies.change(FleetPolicy.revoked)
        assert (await anext(frames)).HasField("trust")
        following = await waits(frames)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_who_is_trusted_is_said_again_now_and_then(
    links: NodeLinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with told(links, links.join(hello())) as frames:
        monkeypatch.setattr(module, "TRUST_SECONDS", 0.001)
        assert (await anext(frames)).HasField("trust")
        assert (await anext(frames)).HasField("trust")
