import os
import subprocess

from nearfield.core.geo import Position
from nearfield.local import state
from nearfield.local.processes import ProcessId, python
from nearfield.local.state import FleetState
from tests.support.cli import Cli


def save_fleet(*pids: int) -> None:
    ids = tuple(ProcessId.of(pid) for pid in pids)
    state.save(FleetState("a:1", "a:2", "a:3", True, Position(0, 0), "", ids, "", "", ""))


def sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(python("-c", "import signal; signal.pause()"))


async def test_a_second_fleet_is_refused_while_one_runs(cli: Cli) -> None:
    save_fleet(os.getpid())
    done = await cli("up", "--detach")
    assert (done.status, done.out) == (1, "")
    assert "`nearfield down` ends it" in done.err


async def test_down_without_a_fleet_says_so(cli: Cli) -> None:
    assert (await cli("down")).out == "no local fleet runs\n"
    assert (await cli("down", "-o", "json")).json == {"ended": 0}


async def test_down_ends_every_process_and_forgets_the_fleet(cli: Cli) -> None:
    children = [sleeper(), sleeper()]
    save_fleet(*(child.pid for child in children))
    done = await cli("down", "-o", "json")
    assert done.json == {"ended": 2}
    for child in children:
        child.wait(timeout=10)
    assert state.load() is None
    assert (await cli("down", "-o", "json")).json == {"ended": 0}
