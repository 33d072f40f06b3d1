"""Desired states: one line of revisions, whoever else writes and whether or not it is kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from control_plane.fleet.desired import Change, DesiredStates
from control_plane.fleet.registry import Registry
from nearfield.core.errors import DirectoryUnavailable, UnknownNode
from nearfield.core.node import Desired, Intake, NodeState
from tests.support.plane_builders import TroubledDirectory
from tests.support.records import node_info

NAME, OTHER = "fra1-a", "nrt1-a"


@pytest.fixture
async def directory() -> AsyncIterator[TroubledDirectory]:
    async with TroubledDirectory() as opened:
        yield opened


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    for name in (NAME, OTHER):
        registry.join(node_info(name), NodeState.READY)
    return registry


@pytest.fixture
def states(directory: TroubledDirectory, registry: Registry) -> DesiredStates:
    return DesiredStates(directory, registry)


def _intake(intake: Intake) -> Change:
    return lambda before: replace(before, intake=intake)


def _clear_cache(before: Desired) -> Desired:
    return replace(before, cache_generation=before.cache_generation + 1)


async def _others_write(directory: TroubledDirectory, **fields: object) -> Desired:
    """Another replica changes the node's desired state first."""
    desired = Desired(**{"revision": 1, "directory_id": directory.directory_id, **fields})  # type: ignore[arg-type]
    assert await directory.put_desired(NAME, desired)
    return desired


async def test_a_node_nobody_spoke_of_should_be_open(states: DesiredStates) -> None:
    assert (states.of(NAME).revision, states.of(NAME).intake) == (0, Intake.OPEN)


async def test_a_change_is_kept_shown_and_told(
    states: DesiredStates, registry: Registry, directory: TroubledDirectory
) -> None:
    with registry.changes.follow() as follower:
        desired, durable = await states.change(NAME, _intake(Intake.CORDONED))
        assert follower.drain() == {NAME}
    assert durable
    assert (desired.revision, desired.intake) == (1, Intake.CORDONED)
    assert desired.directory_id == directory.directory_id
    assert states.of(NAME) == registry.get(NAME).desired == desired
    assert await directory.desired() == {NAME: desired}


async def test_changes_add_up(states: DesiredStates) -> None:
    await states.change(NAME, _intake(Intake.CORDONED))
    desired, _ = await states.change(NAME, _clear_cache)
    assert (desired.revision, desired.intake) == (2, Intake.CORDONED)
    assert desired.cache_generation == 1


async def test_a_node_that_never_joined_has_no_desired_state(
    states: DesiredStates, directory: TroubledDirectory
) -> None:
    with pytest.raises(UnknownNode):
        await states.change("nobody", _clear_cache)
    assert await directory.desired() == {}


async def test_a_change_goes_on_from_what_another_replica_wrote_first(
    states: DesiredStates, directory: TroubledDirectory
) -> None:
    await _others_write(directory, revision=5, intake=Intake.DRAINED, reason="theirs")
    desired, durable = await states.change(NAME, _clear_cache)
    assert durable
    assert (desired.revision, desired.intake, desired.reason) == (6, Intake.DRAINED, "theirs")
    assert desired.cache_generation == 1


async def test_of_many_changes_at_once_none_is_lost(states: DesiredStates) -> None:
    applied = await asyncio.gather(*(states.change(NAME, _clear_cache) for _ in range(9)))
    assert sorted(desired.revision for desired, _ in applied) == list(range(1, 10))
    assert states.of(NAME).cache_generation == 9


async def test_a_name_that_others_change_without_end_is_given_up(
    states: DesiredStates, directory: TroubledDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def always_late(name: str, desired: Desired) -> bool:
        return False

    monkeypatch.setattr(directory, "put_desired", always_late)
    with pytest.raises(DirectoryUnavailable):
        await states.change(NAME, _clear_cache)
    assert states.of(NAME).revision == 0


async def test_without_the_directory_a_change_holds_in_memory_and_says_so(
    states: DesiredStates, registry: Registry, directory: TroubledDirectory
) -> None:
    directory.away = True
    desired, durable = await states.change(NAME, _intake(Intake.DRAINED))
    assert not durable
    assert registry.get(NAME).desired == states.of(NAME) == desired


async def test_what_the_directory_missed_is_written_once_it_is_back(
    states: DesiredStates, directory: TroubledDirectory
) -> None:
    directory.away = True
    await states.change(NAME, _intake(Intake.DRAINED))
    desired, _ = await states.change(NAME, _clear_cache)
    with pytest.raises(DirectoryUnavailable):
        await states.persist()
    directory.away = False
    await states.persist()
    assert await directory.desired() == {NAME: desired}


async def test_two_changes_at_once_without_the_directory_get_two_revisions(
    states: DesiredStates, directory: TroubledDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away_after_a_while(name: str, desired: Desired) -> bool:
        await asyncio.sleep(0)  # so that both are on their way
        raise DirectoryUnavailable("away for a test")

    monkeypatch.setattr(directory, "put_desired", away_after_a_while)
    applied = await asyncio.gather(
        states.change(NAME, _clear_cache), states.change(NAME, _intake(Intake.CORDONED))
    )
    assert sorted(desired.revision for desired, _ in applied) == [1, 2]
    last = states.of(NAME)
    assert (last.intake, last.cache_generation) == (Intake.CORDONED, 1)


async def test_reading_the_directory_again_keeps_what_it_has_not_got_yet(
    states: DesiredStates, directory: TroubledDirectory
) -> None:
    directory.away = True
    kept, _ = await states.change(OTHER, _intake(Intake.CORDONED))
    directory.away = False
    await _others_write(directory)
    await states.change(NAME, _clear_cache)  # late, so it reads the directory
    assert states.of(OTHER) == kept


async def test_a_start_takes_over_what_the_directory_keeps(
    states: DesiredStates, directory: TroubledDirectory
) -> None:
    stored = await _others_write(directory, intake=Intake.CORDONED)
    await states.load()
    assert states.of(NAME) == stored


async def test_what_another_replica_wrote_meanwhile_is_kept_beside_what_waits(
    states: DesiredStates, registry: Registry, directory: TroubledDirectory
) -> None:
    directory.away = True
    await states.change(NAME, _intake(Intake.CORDONED))
    directory.away = False
    await _others_write(directory, revision=4, model="theirs")
    await states.persist()
    both = states.of(NAME)
    assert (both.revision, both.intake, both.model) == (5, Intake.CORDONED, "theirs")
    assert registry.get(NAME).desired == both
    assert await directory.desired() == {NAME: both}


async def test_what_waits_for_a_node_that_has_left_is_written_all_the_same(
    states: DesiredStates, registry: Registry, directory: TroubledDirectory
) -> None:
    directory.away = True
    await states.change(NAME, _intake(Intake.CORDONED))
    registry.goodbye(NAME)
    registry.forget(NAME)
    directory.away = False
    await _others_write(directory, revision=4)
    await states.persist()
    assert (await directory.desired())[NAME].intake is Intake.CORDONED
