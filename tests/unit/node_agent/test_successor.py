"""A process that becomes another: real ones, as nothing else shows what survives."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from node_agent.__main__ import command_to_serve
from node_agent.successor import Successor

BECOME = """
import ctypes, os, sys
from node_agent.successor import Successor
if sys.argv[1:] == ["anew"]:
    signals = ctypes.c_int()
    ctypes.CDLL(None).prctl(2, ctypes.byref(signals), 0, 0, 0)
    print(os.getpid(), os.getpriority(os.PRIO_PROCESS, 0), signals.value)
else:
    from nearfield.core.lifecycle import die_with_parent
    die_with_parent(os.getppid())
    one = Successor()
    one.start()
    os.nice(7)
    print(os.getpid(), flush=True)
    one.execute([sys.executable, *sys.orig_argv[1:], "anew"])
"""


def test_the_new_process_has_id_priority_and_parents_death_of_the_first() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BECOME], capture_output=True, text=True, timeout=60, check=True
    )
    first, second = done.stdout.splitlines()
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    assert second.split() == [first, str(priority), "9"]


def test_what_cannot_be_run_is_an_error_and_the_process_goes_on(tmp_path: Path) -> None:
    one = Successor()
    one.start()
    with pytest.raises(FileNotFoundError):
        one.execute([str(tmp_path / "nothing")])


@pytest.mark.parametrize(
    "rest", [["--config", "x.toml"], ["--config", "x.toml", "--serve", "before"]]
)
def test_the_command_line_is_the_same_but_for_the_model(rest: list[str]) -> None:
    command = ["/usr/bin/python", "-X", "dev", "-m", "node_agent", *rest]
    assert command_to_serve("/venv/bin/python", command, "b") == [
        *("/venv/bin/python", "-X", "dev", "-m", "node_agent"),
        *("--config", "x.toml", "--serve", "b"),
    ]
