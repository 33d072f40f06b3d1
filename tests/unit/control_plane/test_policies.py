"""The fleet's policy: one line of revisions, whoever else writes and whether or not it is kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from control_plane.fleet.policies import NAME, Change, Policies
from control_plane.fleet.revisions import PENDING_MOST
from nearfield.core.errors import DirectoryUnavailable, InvalidRequest
from nearfield.core.policy import DeclaredPrefix, FleetPolicy, ModelPolicy
from tests.support.plane_builders import TroubledDirectory

LONG = "x" * 65_000


@pytest.fixture
async def directory() -> AsyncIterator[TroubledDirectory]:
    async with TroubledDirectory() as opened:
        yield opened


@pytest.fixture
def policies(directory: TroubledDirectory) -> Policies:
    return Policies(directory)


def _with_model(name: str) -> ModelPolicy:
    return ModelPolicy(name, minimum=2)


def _prefix(name: str, text: str = "Be brief.") -> DeclaredPrefix:
    return DeclaredPrefix(name, "m", text, tenant="acme")


def _declare(name: str) -> Change:
    return lambda before: before.with_prefix(_prefix(name, LONG))


async def test_before_any_change_nothing_is_asked_for(policies: Policies) -> None:
    await policies.load()
    assert policies.current == FleetPolicy()


async def test_a_change_is_kept_and_told(policies: Policies, directory: TroubledDirectory) -> None:
    with policies.changes.follow() as follower:
        policy, durable = await policies.change(lambda one: one.with_model(_with_model("a")))
        assert follower.drain() == {NAME}
    assert durable
    assert (policy.revision, policy.directory_id) == (1, directory.directory_id)
    assert policy.models == (_with_model("a"),)
    assert policies.current == policy == await directory.policy()


async def test_changes_at_once_add_up(policies: Policies) -> None:
    made = await asyncio.gather(
        *(policies.change(lambda one: one.revoked()) for _ in range(5)),
        policies.change(lambda one: one.with_prefix(_prefix("a"))),
    )
    assert sorted(policy.revision for policy, _ in made) == [1, 2, 3, 4, 5, 6]
    assert policies.current.ticket_epoch == 5
    assert policies.current.prefixes == (_prefix("a"),)


async def test_a_change_goes_on_from_what_another_replica_wrote(
    policies: Policies, directory: TroubledDirectory
) -> None:
    await directory.put_policy(FleetPolicy(3, models=(_with_model("theirs"),)))
    policy, durable = await policies.change(lambda one: one.with_model(_with_model("ours")))
    assert (policy.revision, durable) == (4, True)
    assert [one.model for one in policy.models] == ["theirs", "ours"]


async def test_a_change_that_cannot_be_made_changes_nothing(policies: Policies) -> None:
    await policies.change(lambda one: one.with_prefix(_prefix("a")))
    with pytest.raises(InvalidRequest) as caught:
        await policies.change(lambda one: one.without_prefix("b"))
    assert (caught.value.field, caught.value.limit) == ("name", "a")
    assert policies.current.revision == 1


@pytest.mark.parametrize("away", [False, True])
async def test_more_than_a_directory_holds_is_refused_and_what_stood_stays(
    policies: Policies, directory: TroubledDirectory, away: bool
) -> None:
    for index in range(8):
        await policies.change(_declare(f"p{index}"))
    directory.away = away
    with pytest.raises(InvalidRequest) as caught:
        await policies.change(_declare("one more"))
    assert caught.value.field == "policy"
    assert len(policies.current.prefixes) == 8


async def test_without_the_directory_a_change_holds_in_memory_is_told_and_written_later(
    policies: Policies, directory: TroubledDirectory
) -> None:
    directory.away = True
    with policies.changes.follow() as follower:
        policy, durable = await policies.change(lambda one: one.revoked())
        assert follower.drain() == {NAME}
    assert not durable
    assert policies.current == policy
    with pytest.raises(DirectoryUnavailable):
        await policies.persist()
    directory.away = False
    await policies.persist()
    assert await directory.policy() == policy


async def test_what_waits_is_made_anew_on_top_of_what_others_wrote_meanwhile(
    policies: Policies, directory: TroubledDirectory
) -> None:
    directory.away = True
    await policies.change(lambda one: one.with_prefix(_prefix("ours")))
    await policies.change(lambda one: one.revoked())
    directory.away = False
    theirs = FleetPolicy(7, ticket_epoch=3, prefixes=(_prefix("theirs"),))
    await directory.put_policy(theirs)
    with policies.changes.follow() as follower:
        await policies.persist()
        assert follower.drain() == {NAME}
    assert policies.current == replace(
        theirs,
        revision=8,
        directory_id=directory.directory_id,
        ticket_epoch=4,
        prefixes=(_prefix("theirs"), _prefix("ours")),
    )
    assert await directory.policy() == policies.current


async def test_what_waits_and_cannot_be_made_any_more_is_left_out_and_said(
    policies: Policies, directory: TroubledDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    await policies.change(lambda one: one.with_prefix(_prefix("a")))
    directory.away = True
    await policies.change(lambda one: one.without_prefix("a"))
    await policies.change(lambda one: one.revoked())
    directory.away = False
    await directory.put_policy(FleetPolicy(9))
    await policies.persist()
    assert (await directory.policy()).ticket_epoch == 1
    assert "no prefix is named 'a'" in caplog.text


async def test_what_waits_and_is_too_much_beside_what_others_wrote_is_lost_and_said(
    policies: Policies, directory: TroubledDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    directory.away = True
    await policies.change(lambda one: one.with_prefix(_prefix("ours", LONG)))
    directory.away = False
    full = FleetPolicy(5, prefixes=tuple(_prefix(f"p{index}", LONG) for index in range(8)))
    await directory.put_policy(full)
    await policies.persist()
    assert policies.current == await directory.policy() == full
    assert "changes of the fleet's policy are lost" in caplog.text


async def test_a_write_whose_answer_was_lost_is_not_made_twice(
    policies: Policies, directory: TroubledDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = directory.put_policy

    async def answer_lost(policy: FleetPolicy) -> bool:
        await write(policy)
        raise DirectoryUnavailable("no answer in 5 s")

    with monkeypatch.context() as patch:
        patch.setattr(directory, "put_policy", answer_lost)
        policy, durable = await policies.change(lambda one: one.revoked())
        assert not durable
    await policies.persist()
    assert policies.current == await directory.policy() == policy
    assert policy.ticket_epoch == 1


async def test_more_changes_than_can_wait_are_refused(
    policies: Policies, directory: TroubledDirectory
) -> None:
    directory.away = True
    for _ in range(PENDING_MOST):
        await policies.change(lambda one: one.revoked())
    with pytest.raises(DirectoryUnavailable) as caught:
        await policies.change(lambda one: one.revoked())
    assert caught.value.limit == f"{PENDING_MOST} changes"
    assert policies.current.ticket_epoch == PENDING_MOST


async def test_a_policy_that_others_change_without_end_is_given_up(
    policies: Policies, directory: TroubledDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def always_late(policy: FleetPolicy) -> bool:
        return False

    monkeypatch.setattr(directory, "put_policy", always_late)
    with pytest.raises(DirectoryUnavailable, match="too many writers"):
        await policies.change(lambda one: one.revoked())
    assert policies.current == FleetPolicy()


async def test_a_start_takes_over_what_the_directory_keeps_and_tells(
    policies: Policies, directory: TroubledDirectory
) -> None:
    await directory.put_policy(FleetPolicy(2, ticket_epoch=1))
    with policies.changes.follow() as follower:
        await policies.load()
        assert follower.drain() == {NAME}
        await policies.load()
        assert follower.drain() == set()
    assert policies.current.ticket_epoch == 1
