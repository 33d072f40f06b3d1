from pathlib import Path

import psutil
import pytest

from bench.scenarios.stage import staged
from nearfield.core.errors import ConfigError
from nearfield.local.processes import python

SLEEPER = python("-c", "import time; time.sleep(600)")


async def never() -> bool:
    return False


async def test_every_process_ends_with_the_block_even_by_an_error(tmp_path: Path) -> None:
    pids: list[int] = []

    async def fail_on_stage() -> None:
        async with staged(tmp_path / "new") as stage:
            pids.extend(stage.spawn(name, SLEEPER) for name in ("a", "b"))
            assert all(psutil.pid_exists(pid) for pid in pids)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_on_stage()
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_a_process_that_ends_while_waited_for_is_named_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        stage.spawn("node", python("-c", "print('no such model'); raise SystemExit(3)"))
        with pytest.raises(ConfigError, match=r"node ended with status 3(.|\n)*no such model"):
            await stage.until(never, "node")


async def test_waiting_ends_after_its_time(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.spawn("node", SLEEPER)
        with pytest.raises(ConfigError, match="node is not ready after 0 s"):
            await stage.until(never, "node", seconds=0.0)


async def test_waiting_ends_once_it_is_ready(tmp_path: Path) -> None:
    answers = iter([False, True])

    async def ready() -> bool:
        return next(answers)

    async with staged(tmp_path) as stage:
        await stage.until(ready, "node")
    assert next(answers, None) is None
