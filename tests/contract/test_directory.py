"""What every directory keeps to, run over each of them."""

import asyncio
from dataclasses import replace

import pytest

from control_plane.directory.base import Check
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position
from nearfield.core.node import Desired, Hardware, Intake
from nearfield.core.policy import DeclaredPrefix, FleetPolicy, ModelPolicy
from tests.support.records import MODEL, record

POLICY = FleetPolicy(
    revision=4,
    directory_id="directory-1",
    ticket_epoch=2,
    models=(ModelPolicy("qwen3-8b", ("fra1", "nrt1"), 2, 5), ModelPolicy("other")),
    prefixes=(
        DeclaredPrefix("Anrede", "qwen3-8b", "Sei höflich — 丁寧に\n🛰️", tenant="acme", system=True),
        DeclaredPrefix("shared", "other", "x" * 65_536, group="lab", pops=("fra1",)),
    ),
)


async def test_a_new_directory_is_empty(directory):
    assert await directory.nodes() == ()
    assert await directory.desired() == {}
    assert await directory.policy() == FleetPolicy()


async def test_a_node_reads_back_exactly_as_registered(directory):
    written = record(note="engine warming up", check=Check.WARNING)
    await directory.put([written])
    assert await directory.nodes() == (written,)


async def test_a_node_with_nothing_optional_reads_back(directory):
    written = record(models=(), provider="", hardware=Hardware(), version="", jurisdiction="")
    await directory.put([written])
    assert await directory.nodes() == (written,)


async def test_a_node_with_many_models_reads_back_in_their_order(directory):
    models = tuple(replace(MODEL, name=f"model-{index}") for index in reversed(range(53)))
    await directory.put([record(models=models)])
    assert (await directory.nodes())[0].info.models == models


async def test_what_a_node_costs_and_could_serve_reads_back(directory):
    written = record(cost_per_hour=2.75, core=True, local_models=("qwen3-8b", "größer"))
    await directory.put([written])
    assert await directory.nodes() == (written,)


async def test_positions_keep_every_digit(directory):
    exact = Position(-33.868819999999996, 151.20929500000003)
    await directory.put([record(position=exact)])
    assert (await directory.nodes())[0].info.position == exact


async def test_notes_may_be_in_any_script(directory):
    note = 'Verbindung verloren — 接続が切れた 🛰️ <&> "quoted"\n\ttab \\ \u2028'
    await directory.put([record(note=note)])
    assert (await directory.nodes())[0].note == note


async def test_nodes_come_by_name(directory):
    await directory.put([record("syd1-a"), record("ams1-a"), record("fra1-a")])
    assert [node.info.name for node in await directory.nodes()] == ["ams1-a", "fra1-a", "syd1-a"]


async def test_of_two_records_of_one_name_the_last_holds(directory):
    await directory.put([record(note="first"), record(note="second")])
    assert [node.note for node in await directory.nodes()] == ["second"]


async def test_two_hundred_nodes_are_registered_at_once(directory):
    fleet = tuple(record(f"node-{index:03}", note="🛰️" * 300) for index in range(200))
    await directory.put(fleet)
    assert await directory.nodes() == fleet


async def test_nothing_to_put_and_nothing_to_remove_is_fine(directory):
    await directory.put([])
    await directory.remove([])
    assert await directory.nodes() == ()


async def test_putting_what_stands_is_no_write(store):
    async with store.open() as directory:
        await directory.put([record("a"), record("b", Check.CRITICAL, "silent for 12 s")])
        before = store.mark()
        await directory.put([record("b", Check.CRITICAL, "silent for 12 s"), record("a")])
        assert store.mark() == before


async def test_a_changed_check_is_read_back_and_leaves_others_alone(directory):
    await directory.put([record("a"), record("b")])
    changed = record("a", Check.CRITICAL, "engine died")
    await directory.put([changed])
    assert await directory.nodes() == (changed, record("b"))


async def test_a_changed_note_alone_is_read_back(directory):
    await directory.put([record(check=Check.WARNING, note="draining")])
    await directory.put([record(check=Check.WARNING, note="drained")])
    assert (await directory.nodes())[0].note == "drained"


async def test_a_new_incarnation_replaces_the_old_one(directory):
    await directory.put([record(models=(MODEL, replace(MODEL, name="other")))])
    reborn = record(incarnation="inc-2", endpoint="[2001:db8::7]:7002", pop="ams1")
    await directory.put([reborn])
    assert await directory.nodes() == (reborn,)


async def test_a_removed_node_is_gone_and_others_stay(directory):
    await directory.put([record("a"), record("b"), record("c")])
    await directory.remove(["a", "c"])
    assert await directory.nodes() == (record("b"),)


async def test_removing_an_absent_node_is_no_error(directory):
    await directory.put([record("a")])
    await directory.remove(["nobody", "a", "nobody"])
    assert await directory.nodes() == ()


async def test_a_removed_node_can_come_back(directory):
    await directory.put([record()])
    await directory.remove(["fra1-a"])
    await directory.put([record()])
    assert await directory.nodes() == (record(),)


async def test_desired_state_outlasts_its_node(directory):
    desired = Desired(1, Intake.CORDONED, 0, "disk failing", directory.directory_id)
    await directory.put([record()])
    await directory.put_desired("fra1-a", desired)
    await directory.remove(["fra1-a"])
    assert await directory.desired() == {"fra1-a": desired}


async def test_desired_state_reads_back_exactly_for_each_node(directory):
    drained = Desired(7, Intake.DRAINED, 3, "Kernel-Update — 再起動", directory.directory_id)
    assert await directory.put_desired("fra1-a", drained)
    other = Desired(1, model="qwen3-8b")
    assert await directory.put_desired("knoten ü/1", other)
    assert await directory.desired() == {"fra1-a": drained, "knoten ü/1": other}


@pytest.mark.parametrize(("second", "written"), [(6, True), (5, False), (4, False)])
async def test_only_a_higher_revision_replaces_desired_state(directory, second, written):
    first, later = Desired(5, reason="first"), Desired(second, Intake.CORDONED, reason="second")
    assert await directory.put_desired("a", first)
    assert await directory.put_desired("a", later) is written
    assert await directory.desired() == {"a": later if written else first}


async def test_of_many_writers_of_one_revision_exactly_one_wins(directory):
    wishes = [Desired(1, reason=f"operator {index}") for index in range(8)]
    won = await asyncio.gather(*(directory.put_desired("a", wish) for wish in wishes))
    assert won.count(True) == 1
    assert await directory.desired() == {"a": wishes[won.index(True)]}


async def test_of_many_revisions_at_once_the_highest_holds(directory):
    wishes = [Desired(revision) for revision in (3, 1, 8, 2, 7, 5, 4, 6)]
    won = await asyncio.gather(*(directory.put_desired("a", wish) for wish in wishes))
    assert won[wishes.index(Desired(8))]
    assert await directory.desired() == {"a": Desired(8)}


async def test_a_policy_reads_back_exactly(directory):
    assert await directory.put_policy(POLICY)
    assert await directory.policy() == POLICY
    assert await directory.desired() == {}


@pytest.mark.parametrize(("second", "written"), [(6, True), (5, False), (4, False)])
async def test_only_a_higher_revision_replaces_the_policy(directory, second, written):
    first, later = FleetPolicy(5, ticket_epoch=1), FleetPolicy(second, ticket_epoch=2)
    assert await directory.put_policy(first)
    assert await directory.put_policy(later) is written
    assert await directory.policy() == (later if written else first)


async def test_of_many_writers_of_one_policy_exactly_one_wins(directory):
    wishes = [FleetPolicy(1, ticket_epoch=index) for index in range(8)]
    won = await asyncio.gather(*(directory.put_policy(wish) for wish in wishes))
    assert won.count(True) == 1
    assert await directory.policy() == wishes[won.index(True)]


async def test_a_policy_of_half_a_megabyte_is_kept_and_a_larger_one_refused(directory):
    long = [replace(POLICY.prefixes[1], name=f"prefix-{index}") for index in range(8)]
    fits = FleetPolicy(1, prefixes=tuple(long[:7]))
    assert await directory.put_policy(fits)
    with pytest.raises(InvalidRequest, match="8 prefixes") as raised:
        await directory.put_policy(FleetPolicy(2, prefixes=tuple(long)))
    assert (raised.value.field, raised.value.limit) == ("policy", "524032 bytes")
    assert await directory.policy() == fits


async def test_closing_twice_is_closing_once(store):
    directory = store.open()
    async with directory:
        pass
    await directory.aclose()


async def test_a_directory_that_was_never_opened_can_be_closed(store):
    await store.open().aclose()


async def test_two_directories_have_two_ids(directory, memory_store):
    async with memory_store.open() as other:
        assert other.directory_id != directory.directory_id


async def test_everything_outlives_the_process(durable_store):
    desired = Desired(3, Intake.DRAINED, 2, "moved", model="other")
    async with durable_store.open() as directory:
        directory_id = directory.directory_id
        await directory.put([record("a"), record("b", Check.WARNING, "draining")])
        await directory.put_desired("a", desired)
        await directory.put_policy(POLICY)
    async with durable_store.open() as directory:
        assert directory.directory_id == directory_id
        assert await directory.nodes() == (record("a"), record("b", Check.WARNING, "draining"))
        assert await directory.desired() == {"a": desired}
        assert not await directory.put_desired("a", replace(desired, reason="again"))
        assert await directory.policy() == POLICY
        assert not await directory.put_policy(replace(POLICY, ticket_epoch=9))
