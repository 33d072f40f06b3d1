import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from nearfield.local import processes
from nearfield.local.processes import ProcessId, python, start, stop
from tests.support.nearfield_builders import eventually_sync

WAITS = "import signal; print('ready', flush=True); signal.pause()"
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAITS
SAYS_GOODBYE = (
    """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("goodbye")))
"""
    + WAITS
)
FAMILY = f"""
import subprocess, sys
inner = [sys.executable, "-c", {WAITS!r}]
outer = "import subprocess, sys; subprocess.run(" + repr(inner) + ")"
subprocess.run([sys.executable, "-c", outer])
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator["list[subprocess.Popen[bytes]]"]:
    children: list[subprocess.Popen[bytes]] = []
    yield children
    for child in children:
        if child.poll() is None:
            for one in psutil.Process(child.pid).children(recursive=True):
                one.kill()
            child.kill()
        child.wait()


@pytest.fixture
def spawn(started: "list[subprocess.Popen[bytes]]", tmp_path: Path):
    """Start a program and wait until it, or its grandchild, says that it is ready."""

    def make(code: str, *, stay: bool = False) -> ProcessId:
        log = tmp_path / f"{len(started)}.log"
        started.append(start(python("-c", code), log, stay=stay))
        eventually_sync(lambda: b"ready" in log.read_bytes())
        return ProcessId.of(started[-1].pid)

    return make


def test_a_process_that_is_asked_ends_in_its_own_way(spawn, tmp_path: Path) -> None:
    one = spawn(SAYS_GOODBYE)
    stop([one])
    assert one.find() is None
    assert (tmp_path / "0.log").read_text() == "ready\ngoodbye\n"


def test_children_and_grandchildren_end_with_it(spawn) -> None:
    one = spawn(FAMILY)
    family = psutil.Process(one.pid).children(recursive=True)
    assert len(family) == 2
    stop([one], seconds=1.0)
    assert one.find() is None
    eventually_sync(lambda: not any(_lives(each) for each in family))


def test_one_that_does_not_listen_is_killed(spawn) -> None:
    one = spawn(IGNORES)
    stop([one], seconds=0.2)
    assert one.find() is None


def test_several_are_ended_together_and_those_that_are_gone_are_nothing(spawn, started) -> None:
    ids = [spawn(WAITS), spawn(WAITS), spawn(WAITS)]
    started[1].kill()
    started[1].wait()
    stop(ids)
    assert [one.find() for one in ids] == [None, None, None]
    stop(ids)


def test_a_later_process_of_the_same_number_is_left_alone(spawn) -> None:
    one = spawn(WAITS)
    stop([ProcessId(one.pid, one.started - 60)])
    assert one.find() is not None


def test_a_process_that_ends_while_it_is_looked_at_is_nothing(
    spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = spawn(WAITS)
    found = one.find()
    assert found is not None
    found.kill()
    found.wait()
    monkeypatch.setattr(ProcessId, "find", lambda _: found)
    stop([one], seconds=0.1)


def test_a_process_not_waited_for_has_ended_all_the_same(spawn, started) -> None:
    one = spawn(WAITS)
    started[0].kill()
    eventually_sync(lambda: psutil.Process(one.pid).status() == psutil.STATUS_ZOMBIE)
    assert one.find() is None


def test_its_log_holds_what_this_run_of_it_said(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    for _ in range(2):
        assert start(python("-c", code), log, stay=False).wait() == 0
    assert log.read_text() == "out\nerr\n"


def test_it_has_a_session_and_an_environment_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    code = (
        "import os; print(os.getsid(0) == os.getpid(), os.environ['ANSWER'], 'PATH' in os.environ)"
    )
    start(python("-c", code), log, stay=True, environment={"ANSWER": "42"}).wait()
    assert log.read_text() == "True 42 True\n"


@pytest.mark.parametrize("stay", [True, False])
def test_only_one_that_may_stay_outlives_its_parent(tmp_path: Path, stay: bool) -> None:
    log = tmp_path / "child.log"
    parent = f"""
import pathlib, time
from nearfield.local.processes import python, start
log = pathlib.Path({str(log)!r})
child = start(python("-c", {WAITS!r}), log, stay={stay})
while b"ready" not in log.read_bytes():
    time.sleep(0.01)
print(child.pid, flush=True)
import os
os._exit(0)
"""
    done = subprocess.run(python("-c", parent), capture_output=True, check=True)
    number = int(done.stdout)
    if stay:
        child = psutil.Process(number)
        assert _lives(child)
        child.kill()
    else:
        eventually_sync(lambda: not psutil.pid_exists(number) or not _lives(psutil.Process(number)))


def test_python_is_this_interpreter() -> None:
    assert python("-m", "x") == [sys.executable, "-m", "x"]
    assert processes.STOP_SECONDS > 0


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_this_very_process_is_found() -> None:
    found = ProcessId.of(os.getpid()).find()
    assert found is not None
    assert found.pid == os.getpid()
