"""A node's life as operators see it: reports, wishes, silence, breaks and goodbyes."""

from contextlib import aclosing

import pytest

from nearfield.core.errors import UnknownNode
from nearfield.core.node import Health, Intake, NodeLoad, NodeState
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.core.wire.enums import INTAKES
from tests.support.plane_builders import FakeClock, goodbye, hello, report
from tests.support.records import node_info
from tests.support.running_plane import NodeLink, RunningPlane
from tests.support.waiting import until

NAME = "fra1-a"


@pytest.fixture
async def link(plane: RunningPlane) -> NodeLink:
    """A joined node's link that was told its first desired state."""
    link = plane.link()
    await link.join()
    assert (await link.desired()).revision == 0
    return link


async def test_reports_flow_to_operators(plane: RunningPlane, link: NodeLink) -> None:
    load = NodeLoad(running=3, waiting=1, slots=4, base_seconds=0.02, steps=99)
    await link.send(report(NodeState.DRAINING, load, reason="new kernel", applied_revision=5))

    async def seen() -> tuple[object, ...]:
        view = await plane.admin.node(NAME)
        return view.state, view.reason, view.load, view.applied_revision

    await until(seen, (NodeState.DRAINING, "new kernel", load, 5))


async def test_a_wish_is_pushed_to_the_node_as_soon_as_it_is_made(
    plane: RunningPlane, link: NodeLink
) -> None:
    applied, durable = await plane.admin.set_intake(NAME, Intake.CORDONED, "new kernel")
    pushed = await link.desired()
    assert durable
    assert (pushed.revision, pushed.intake) == (1, INTAKES[Intake.CORDONED])
    assert pushed.reason == "new kernel"
    assert pushed.directory_id == applied.directory_id
    await plane.admin.clear_prefix_cache(NAME)
    pushed = await link.desired()
    assert (pushed.revision, pushed.cache_generation) == (2, 1)
    assert pushed.intake == INTAKES[Intake.CORDONED]


async def test_a_wish_made_while_a_node_was_away_is_told_when_it_joins(
    plane: RunningPlane, link: NodeLink
) -> None:
    link.cut()
    await until(plane.healths, {NAME: "lost"})
    await plane.admin.set_intake(NAME, Intake.DRAINED)
    again = plane.link()
    await again.join(hello(node_info(incarnation="inc-2")))
    pushed = await again.desired()
    assert (pushed.revision, pushed.intake) == (1, INTAKES[Intake.DRAINED])


async def test_a_stream_that_breaks_is_a_loss_without_any_time_passing(
    plane: RunningPlane, link: NodeLink
) -> None:
    link.cut()
    await until(plane.healths, {NAME: "lost"})
    assert (await plane.admin.node(NAME)).reason == "its connection closed"


async def test_a_connection_that_closes_is_a_loss_without_any_time_passing(
    plane: RunningPlane,
) -> None:
    async with open_channel(plane.public, PLAINTEXT) as channel:
        await NodeLink(channel).join()
        assert await plane.healths() == {NAME: "alive"}
    await until(plane.healths, {NAME: "lost"})


async def test_a_lost_node_may_join_again_under_its_name(
    plane: RunningPlane, link: NodeLink
) -> None:
    link.cut()
    await until(plane.healths, {NAME: "lost"})
    await plane.link().join(hello(node_info(incarnation="inc-2")))
    assert await plane.healths() == {NAME: "alive"}


async def test_the_late_end_of_an_older_link_of_the_same_run_is_no_loss(
    plane: RunningPlane, link: NodeLink
) -> None:
    newer = plane.link()
    await newer.join()
    link.cut()
    # sent after the cut on the same connection
    await newer.send(report(reason="still here"))
    await until(lambda: _reason(plane), "still here")
    assert await plane.healths() == {NAME: "alive"}
    newer.cut()
    await until(plane.healths, {NAME: "lost"})


async def test_a_goodbye_takes_the_node_out_and_ends_the_stream(
    plane: RunningPlane, link: NodeLink
) -> None:
    await link.send(goodbye())
    assert await link.read() is None
    await until(plane.healths, {})
    with pytest.raises(UnknownNode):
        await plane.admin.node(NAME)


async def test_a_node_that_left_may_come_back(plane: RunningPlane, link: NodeLink) -> None:
    await link.send(goodbye())
    assert await link.read() is None
    await plane.link().join(hello(node_info(incarnation="inc-2")))
    assert await plane.healths() == {NAME: "alive"}


async def test_silence_makes_a_suspect_then_a_loss_and_one_report_brings_it_back(
    plane: RunningPlane, clock: FakeClock, link: NodeLink
) -> None:
    clock.advance(3.5)
    await until(plane.healths, {NAME: "suspect"})
    clock.advance(7)
    await until(plane.healths, {NAME: "lost"})
    assert (await plane.admin.node(NAME)).heard == 10.5
    await link.send(report())
    await until(plane.healths, {NAME: "alive"})


async def test_a_silent_node_says_goodbye_over_the_link_it_still_has(
    plane: RunningPlane, clock: FakeClock, link: NodeLink
) -> None:
    clock.advance(60)
    await until(plane.healths, {NAME: "lost"})
    await link.send(goodbye())
    assert await link.read() is None
    await until(plane.healths, {})


async def test_watching_shows_the_fleet_then_every_change_until_the_node_is_gone(
    plane: RunningPlane, clock: FakeClock, link: NodeLink
) -> None:
    async with aclosing(plane.admin.watch(interval=0.05)) as changes:
        name, view = await anext(changes)
        assert (name, view and view.health) == (NAME, Health.ALIVE)
        await link.send(report(NodeState.CORDONED))
        while not (view and view.state is NodeState.CORDONED):
            name, view = await anext(changes)
        clock.advance(11)
        while not (view and view.health is Health.LOST):
            name, view = await anext(changes)
        await link.send(goodbye())
        while view is not None:
            name, view = await anext(changes)
        assert name == NAME


async def test_watching_shows_loads_though_no_state_changes(
    plane: RunningPlane, link: NodeLink
) -> None:
    async with aclosing(plane.admin.watch(interval=0.05)) as changes:
        await anext(changes)
        await link.send(report(load=NodeLoad(running=2)))
        running = 0
        while running != 2:
            _, view = await anext(changes)
            running = view.load.running if view else 0


async def _reason(plane: RunningPlane) -> str:
    return (await plane.admin.node(NAME)).reason
