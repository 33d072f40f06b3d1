"""Followers of changes."""

import asyncio

from control_plane.fleet.changes import Changes


async def test_a_follower_gets_every_name_once_since_it_last_asked() -> None:
    changes = Changes()
    with changes.follow() as follower:
        for name in ("a", "b", "a"):
            changes.note(name)
        assert await follower.take() == {"a", "b"}
        changes.note("c")
        assert await follower.take() == {"c"}


async def test_taking_waits_for_the_next_change() -> None:
    changes = Changes()
    with changes.follow() as follower:
        taking = asyncio.create_task(follower.take())
        await asyncio.sleep(0)  # it waits now
        assert not taking.done()
        changes.note("a")
        assert await taking == {"a"}


async def test_draining_never_waits_and_leaves_nothing() -> None:
    changes = Changes()
    with changes.follow() as follower:
        assert follower.drain() == set()
        changes.note("a")
        assert follower.drain() == {"a"}
        assert follower.drain() == set()


async def test_a_change_between_draining_and_taking_is_not_missed() -> None:
    changes = Changes()
    with changes.follow() as follower:
        changes.note("a")
        follower.drain()
        changes.note("b")
        assert await follower.take() == {"b"}


async def test_followers_do_not_take_from_one_another() -> None:
    changes = Changes()
    with changes.follow() as one, changes.follow() as other:
        changes.note("a")
        assert one.drain() == {"a"}
        assert other.drain() == {"a"}


async def test_one_that_no_longer_follows_is_not_told() -> None:
    changes = Changes()
    with changes.follow() as follower:
        pass
    changes.note("a")
    assert follower.drain() == set()


async def test_a_follower_of_one_name_is_told_of_no_other() -> None:
    changes = Changes()
    with changes.follow("a") as one, changes.follow() as of_all:
        for name in ("b", "a", "c"):
            changes.note(name)
        assert one.drain() == {"a"}
        assert of_all.drain() == {"a", "b", "c"}


async def test_a_name_can_have_several_followers_that_come_and_go() -> None:
    changes = Changes()
    with changes.follow("a") as stays:
        with changes.follow("a") as leaves:
            changes.note("a")
            assert leaves.drain() == {"a"}
        changes.note("a")
        assert leaves.drain() == set()
        assert stays.drain() == {"a"}
    changes.note("a")
    assert stays.drain() == set()


async def test_one_follower_may_follow_several_hubs() -> None:
    nodes, policies = Changes(), Changes()
    with nodes.follow("a") as follower, policies.follow(follower=follower) as same:
        assert same is follower
        nodes.note("a")
        policies.note("policy")
        assert await follower.take() == {"a", "policy"}
    policies.note("policy")
    assert follower.drain() == set()
