"""The embedded directory's file: its lock, its damage and its crashes."""

import asyncio
import json
import os

import pytest

from control_plane.directory.memory import MemoryDirectory
from nearfield.core.errors import ConfigError, DirectoryUnavailable
from nearfield.core.node import Desired
from nearfield.core.policy import FleetPolicy, ModelPolicy
from tests.support.records import record


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "directory.json"


async def test_a_second_holder_of_one_file_is_refused_by_name(path):
    async with MemoryDirectory(path):
        with pytest.raises(ConfigError, match=str(path)) as raised:
            async with MemoryDirectory(path):
                pass
    assert raised.value.field == "directory"


async def test_the_next_holder_may_have_it_once_the_first_has_closed(path):
    async with MemoryDirectory(path) as first:
        await first.put([record()])
    async with MemoryDirectory(path) as second:
        assert await second.nodes() == (record(),)


async def test_a_closed_directory_writes_no_more(path):
    async with MemoryDirectory(path) as directory:
        await directory.put([record()])
    with pytest.raises(DirectoryUnavailable, match="closed"):
        await directory.put([record("b")])
    async with MemoryDirectory(path) as directory:
        assert await directory.nodes() == (record(),)


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"directory_id": "directory-1", "nodes": {"a": {}}}',
        '{"directory_id": "directory-1", "desired": {"a": {"revision": "many"}}}',
    ],
)
async def test_a_damaged_file_is_a_config_error_and_stays_as_it_is(path, damage):
    path.parent.mkdir()
    path.write_text(damage)
    with pytest.raises(ConfigError, match=str(path)) as raised:
        async with MemoryDirectory(path):
            pass
    assert raised.value.field == "directory"
    assert path.read_text() == damage


async def test_a_file_of_before_there_was_a_policy_still_loads(path):
    async with MemoryDirectory(path) as directory:
        await directory.put([record()])
        await directory.put_desired("a", Desired(2))
    state = json.loads(path.read_text())
    del state["policy"]
    del state["desired"]["a"]["model"]
    for key in ("cost_per_hour", "core", "local_models"):
        del state["nodes"]["fra1-a"]["info"][key]
    path.write_text(json.dumps(state))
    async with MemoryDirectory(path) as directory:
        assert await directory.policy() == FleetPolicy()
        assert await directory.nodes() == (record(),)
        assert await directory.desired() == {"a": Desired(2)}


async def test_a_policy_that_cannot_be_is_damage_too(path):
    async with MemoryDirectory(path) as directory:
        await directory.put_policy(FleetPolicy(1, models=(ModelPolicy("m", (), 2, 5),)))
    path.write_text(path.read_text().replace('"maximum": 5', '"maximum": 1'))
    with pytest.raises(ConfigError, match="maximum"):
        async with MemoryDirectory(path):
            pass


async def test_a_place_off_the_earth_is_damage_too(path):
    async with MemoryDirectory(path) as directory:
        await directory.put([record()])
    path.write_text(path.read_text().replace("50.11", "95.11"))
    with pytest.raises(ConfigError, match="latitude"):
        async with MemoryDirectory(path):
            pass


async def test_a_damaged_file_is_not_left_locked(path):
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(ConfigError):
        async with MemoryDirectory(path):
            pass
    path.unlink()
    async with MemoryDirectory(path) as directory:
        assert await directory.nodes() == ()


async def test_a_file_that_cannot_be_made_is_a_config_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        async with MemoryDirectory(tmp_path / "file" / "directory.json"):
            pass


async def test_a_failed_write_leaves_the_old_state_in_memory_and_on_disk(path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    async with MemoryDirectory(path) as directory:
        await directory.put([record()])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(DirectoryUnavailable, match="No space left"):
                await directory.put([record("b")])
            with pytest.raises(DirectoryUnavailable, match="No space left"):
                await directory.put_desired("a", Desired(1))
        assert await directory.nodes() == (record(),)
        assert await directory.desired() == {}
    async with MemoryDirectory(path) as directory:
        assert await directory.nodes() == (record(),)


async def test_who_has_the_file_open_reads_one_whole_state(path):
    async with MemoryDirectory(path) as directory:
        with path.open("rb") as before:
            await directory.put([record()])
            assert before.read() != path.read_bytes()
            before.seek(0)
            assert json.load(before)["nodes"] == {}


async def test_a_half_written_file_of_a_crash_is_no_harm(path):
    path.parent.mkdir()
    (path.parent / "directory.json.part").write_text('{"directory_id": "dir')
    async with MemoryDirectory(path) as directory:
        await directory.put([record()])
        assert await directory.nodes() == (record(),)


async def test_a_cancelled_caller_leaves_file_and_memory_agreeing(path):
    async with MemoryDirectory(path) as directory:
        writing = asyncio.create_task(directory.put([record()]))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await directory.put([record("b")])
        held = await directory.nodes()
    async with MemoryDirectory(path) as directory:
        assert await directory.nodes() == held == (record("b"), record())
