import subprocess
import time

import psutil

from nearfield.local.processes import bound, python

FORK_AND_WAIT = """
import subprocess
from nearfield.local.processes import bound
print(subprocess.Popen(bound(["sleep", "600"])).pid, flush=True)
input()
"""


def runs(pid: int, name: str) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).name() == name


def wait_until(condition: bool, pid: int) -> None:
    end = time.monotonic() + 30
    while runs(pid, "sleep") is not condition:
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def test_the_command_runs_as_the_very_process_that_was_started() -> None:
    show = bound(python("-c", "import os; print(os.getpid())"))
    with subprocess.Popen(show, stdout=subprocess.PIPE, text=True) as child:
        assert child.communicate()[0] == f"{child.pid}\n"


def test_the_command_dies_with_the_process_that_started_it() -> None:
    starter = python("-c", FORK_AND_WAIT)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(starter, **pipes) as parent:
        pid = int(parent.stdout.readline())
        wait_until(True, pid)
        parent.kill()
    wait_until(False, pid)
