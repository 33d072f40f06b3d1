"""What the directory is told of the fleet."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from control_plane.directory.base import Check, NodeRecord
from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.policies import Policies
from control_plane.fleet.publisher import Publisher, to_record
from control_plane.fleet.registry import Registry
from nearfield.core.node import Health, NodeLoad, NodeState
from tests.support.plane_builders import FakeClock, TroubledDirectory, view
from tests.support.records import node_info, record
from tests.support.waiting import until, until_true

NAMES = ("fra1-a", "nrt1-a", "iad1-a")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(clock: FakeClock) -> Registry:
    registry = Registry(clock)
    for name in NAMES:
        registry.join(node_info(name), NodeState.READY)
    return registry


@pytest.fixture
async def directory() -> AsyncIterator[TroubledDirectory]:
    async with TroubledDirectory() as opened:
        yield opened


@pytest.fixture
def states(directory: TroubledDirectory, registry: Registry) -> DesiredStates:
    return DesiredStates(directory, registry)


@pytest.fixture
async def publishing(
    directory: TroubledDirectory, registry: Registry, states: DesiredStates
) -> AsyncIterator[None]:
    """A publisher at work."""
    task = asyncio.create_task(Publisher(directory, registry, states, Policies(directory)).run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _checks(directory: TroubledDirectory) -> dict[str, str]:
    return {one.info.name: one.check.value for one in await directory.nodes()}


async def _logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text


@pytest.mark.parametrize("state", NodeState)
@pytest.mark.parametrize("health", [Health.ALIVE, Health.SUSPECT, Health.LOST])
def test_each_health_and_state_has_its_check(health: Health, state: NodeState) -> None:
    if health is Health.LOST or state is NodeState.FAILED:
        expected = Check.CRITICAL
    else:
        expected = Check.PASSING if state is NodeState.READY else Check.WARNING
    assert to_record(view(health=health, state=state)).check is expected


@pytest.mark.parametrize(
    ("health", "state", "reason", "note"),
    [
        (Health.ALIVE, NodeState.READY, "", "takes work"),
        (Health.ALIVE, NodeState.CORDONED, "", "cordoned"),
        (Health.ALIVE, NodeState.DRAINING, "new kernel", "draining: new kernel"),
        (Health.ALIVE, NodeState.FAILED, "its engine died", "its engine died"),
        (Health.LOST, NodeState.READY, "silent for 12 s", "silent for 12 s"),
    ],
)
def test_a_note_says_why(health: Health, state: NodeState, reason: str, note: str) -> None:
    assert to_record(view(health=health, state=state, reason=reason)).note == note


def test_a_few_seconds_of_silence_are_not_worth_a_write() -> None:
    assert to_record(view(health=Health.SUSPECT, reason="silent for 4 s")) == to_record(view())


async def test_the_directory_gets_the_fleet_and_then_its_changes(
    publishing: None, directory: TroubledDirectory, registry: Registry, clock: FakeClock
) -> None:
    await until(lambda: _checks(directory), dict.fromkeys(NAMES, "passing"))
    clock.advance(11)
    for name, state in zip(NAMES[:2], (NodeState.READY, NodeState.DRAINED), strict=True):
        registry.report(name, state, "", NodeLoad(), applied_revision=0)
    registry.notice_silence()
    expected = dict(zip(NAMES, ("passing", "warning", "critical"), strict=True))
    await until(lambda: _checks(directory), expected)


async def test_a_node_that_leaves_is_taken_out_and_forgotten(
    publishing: None, directory: TroubledDirectory, registry: Registry
) -> None:
    await until(lambda: _checks(directory), dict.fromkeys(NAMES, "passing"))
    registry.goodbye(NAMES[0])
    await until(lambda: _checks(directory), dict.fromkeys(NAMES[1:], "passing"))
    assert {one.info.name for one in registry.views()} == set(NAMES[1:])


async def test_a_node_that_comes_back_while_it_is_taken_out_stays(
    registry: Registry, states: DesiredStates, directory: TroubledDirectory
) -> None:
    returned = node_info(NAMES[0], incarnation="inc-2")

    async def slow_remove(names: Sequence[str]) -> None:
        if names:
            registry.join(returned, NodeState.READY)
        await TroubledDirectory.remove(directory, names)

    directory.remove = slow_remove  # type: ignore[method-assign]
    registry.goodbye(NAMES[0])
    task = asyncio.create_task(Publisher(directory, registry, states, Policies(directory)).run())

    async def incarnations() -> set[str]:
        records = await directory.nodes()
        return {one.info.incarnation for one in records if one.info.name == NAMES[0]}

    await until(incarnations, {"inc-2"})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert registry.get(NAMES[0]).info is returned


async def test_while_the_directory_is_away_the_latest_view_waits_and_is_written(
    publishing: None,
    directory: TroubledDirectory,
    registry: Registry,
    states: DesiredStates,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await until(lambda: _checks(directory), dict.fromkeys(NAMES, "passing"))
    directory.away = True
    registry.goodbye(NAMES[0])
    desired, durable = await states.change(NAMES[1], lambda before: before)
    assert not durable
    await until_true(lambda: _logged(caplog, "the directory is away"), bool)
    registry.report(NAMES[1], NodeState.CORDONED, "", NodeLoad(), applied_revision=1)
    directory.away = False
    await until(lambda: _checks(directory), {NAMES[1]: "warning", NAMES[2]: "passing"})
    await until(directory.desired, {NAMES[1]: desired})


async def test_the_policy_that_the_directory_missed_is_written_as_well(
    directory: TroubledDirectory, registry: Registry, states: DesiredStates
) -> None:
    policies = Policies(directory)
    directory.away = True
    policy, _ = await policies.change(lambda before: before.revoked())
    task = asyncio.create_task(Publisher(directory, registry, states, policies).run())
    directory.away = False
    await until(directory.policy, policy)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_record_the_directory_cannot_hold_does_not_keep_out_the_others(
    publishing: None,
    directory: TroubledDirectory,
    registry: Registry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    directory.refused = {"bad"}
    for name in ("bad", "good"):
        registry.join(node_info(name), NodeState.READY)
    await until(lambda: _checks(directory), dict.fromkeys((*NAMES, "good"), "passing"))
    await until_true(lambda: _logged(caplog, "bad is not registered"), bool)


async def test_what_was_restored_is_written_as_it_is_judged_now(
    directory: TroubledDirectory, clock: FakeClock
) -> None:
    registry = Registry(clock)
    kept: tuple[NodeRecord, ...] = (record("old"),)
    await directory.put(kept)
    registry.restore(kept)
    clock.advance(11)
    registry.notice_silence()
    states = DesiredStates(directory, registry)
    task = asyncio.create_task(Publisher(directory, registry, states, Policies(directory)).run())
    await until(lambda: _checks(directory), {"old": "critical"})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
