"""Worker processes of the fleet's bench: real ones."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bench.scenarios.size.jobs import Target
from bench.scenarios.size.plane import off_first_core, on_first_core
from bench.scenarios.size.worker import Worker
from nearfield.core.errors import ConfigError


async def test_a_worker_that_ends_too_soon_is_an_error_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    target = Target("127.0.0.1:1", str(tmp_path / "missing.pem"), "", "", 1)
    async with await Worker.start("clients", target, tmp_path) as worker:
        with pytest.raises(ConfigError, match=r"missing\.pem") as ended:
            await worker.hear()
    assert ended.value.field == "clients"


async def test_a_worker_that_says_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.scenarios.size.worker.ANSWER_SECONDS", 0.0)
    target = Target("127.0.0.1:1", str(tmp_path / "missing.pem"), "", "", 1)
    async with await Worker.start("clients", target, tmp_path) as worker:
        with pytest.raises(ConfigError, match="says nothing for 0 s"):
            await worker.hear()


@pytest.mark.parametrize("binding", [on_first_core, off_first_core])
def test_cores_are_as_before_once_a_process_is_started(
    binding: Callable[[], AbstractContextManager[None]],
) -> None:
    before = os.sched_getaffinity(0)
    with binding():
        inside = os.sched_getaffinity(0)
    assert os.sched_getaffinity(0) == before
    assert inside <= before


def test_the_control_planes_core_is_nobody_elses_where_there_are_two() -> None:
    with on_first_core():
        mine = os.sched_getaffinity(0)
    with off_first_core():
        others = os.sched_getaffinity(0)
    assert len(mine) == 1
    assert mine.isdisjoint(others) or len(os.sched_getaffinity(0)) == 1
