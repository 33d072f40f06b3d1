import os
from pathlib import Path

from bench.scenarios.overhead.idle import idle_share
from bench.scenarios.stage import staged
from nearfield.local.processes import python


async def test_a_busy_process_uses_more_of_a_core_than_a_sleeping_one(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        busy = stage.spawn("busy", python("-c", "while True: pass"))
        asleep = stage.spawn("asleep", ["sleep", "600"])
        assert await idle_share(busy, 0.5) > 2 * await idle_share(asleep, 0.5)


async def test_the_share_is_over_the_time_that_passed() -> None:
    readings = iter([0.0, 1e9])
    assert await idle_share(os.getpid(), 0.0, clock=lambda: next(readings)) < 1e-6
