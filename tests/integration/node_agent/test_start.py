"""What a node that cannot start says, and how it ends."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.node_builders import Caller
from tests.support.node_process import Process, free_ports, write_config

pytestmark = pytest.mark.engine


async def ended(folder: Path, **changes: Any) -> tuple[int, list[str]]:
    """Run a node that is expected to end; returns its exit status and what it said."""
    config = write_config(folder, "fra1-b", changes.pop("port", free_ports(1)[0]), **changes)
    return await run_to_end(["--config", str(config)], folder)


async def run_to_end(arguments: list[str], folder: Path) -> tuple[int, list[str]]:
    process = Process("node_agent", arguments, folder / "node.log")
    try:
        status = await process.ended()
        return status, [line for line in process.log.splitlines() if " INFO " not in line]
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pops": "fra1"}, "setting 'pops' is not known"),
        ({"engine": {"slot": 2}}, "setting 'engine.slot' is not known"),
        ({"pop": None}, "setting 'pop' is missing"),
        ({"engine": {"queue": -1}}, "setting 'engine.queue': Input should be greater than"),
        ({"log_level": "LOUD"}, "log_level 'LOUD' is not a level"),
        ({"kv_cache": {"dtype": "fp4"}}, "setting 'kv_cache.dtype': Input should be 'auto'"),
    ],
    ids=["unknown key", "unknown inner key", "missing key", "out of range", "level", "dtype"],
)
async def test_a_wrong_setting_is_named_in_one_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    status, lines = await ended(tmp_path, **changes)
    assert status == 2
    assert len(lines) == 1
    assert lines[0].startswith(f"error: {message}")


async def test_a_node_without_a_certificate_says_so_before_it_loads_an_engine(
    tmp_path: Path,
) -> None:
    status, lines = await ended(tmp_path, port=7600, tls={}, model={"path": "no-such-model"})
    assert status == 2
    assert len(lines) == 1
    assert lines[0].startswith("error: there is no certificate to serve 127.0.0.1:7600 with: set")


async def test_plain_text_off_loopback_is_refused_before_an_engine_loads(tmp_path: Path) -> None:
    status, lines = await ended(tmp_path, listen="0.0.0.0:7600", model={"path": "no-such-model"})
    assert status == 2
    assert len(lines) == 1
    assert lines[0].startswith("error: 0.0.0.0:7600 is not on loopback")


async def test_a_zygote_names_what_is_wrong_before_it_loads_anything(tmp_path: Path) -> None:
    config = write_config(tmp_path, "fra1-b", 7600, tls={})
    process = Process("node_agent.zygote", [str(config)], tmp_path / "zygote.log")
    try:
        assert await process.ended() == 2
        assert process.log.startswith("error: there is no certificate to serve 127.0.0.1:7600")
    finally:
        process.kill()


async def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.toml"
    status, lines = await run_to_end(["--config", str(path)], tmp_path)
    assert status == 2
    assert len(lines) == 1
    assert lines[0].startswith(f"error: cannot read {path}")


async def test_a_model_that_is_not_there_is_named_in_one_line(tmp_path: Path) -> None:
    status, lines = await ended(tmp_path, model={"path": str(tmp_path / "no-model")})
    assert status == 2
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"error: cannot serve '{tmp_path / 'no-model'}'")


async def test_a_cache_that_needs_a_gpu_is_refused_in_one_line(tmp_path: Path) -> None:
    status, lines = await ended(tmp_path, kv_cache={"dtype": "fp8"})
    assert status == 2
    assert lines == ["error: kv_cache.dtype fp8 needs a GPU"]


async def test_a_port_that_is_taken_is_named_and_nothing_is_left_behind(
    caller: Caller, tmp_path: Path
) -> None:
    port = int(caller.address.rpartition(":")[2])
    status, lines = await ended(tmp_path, port=port)
    assert status == 2
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].startswith(f"error: cannot listen on 127.0.0.1:{port}")
    assert await caller.serving()
