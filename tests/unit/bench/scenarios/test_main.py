import subprocess
from pathlib import Path

import pytest

from nearfield.local.ports import free_ports
from nearfield.local.processes import python


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = python("-m", "bench", *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_target_that_does_not_answer_is_one_line_and_status_1(tmp_path: Path) -> None:
    target = f"127.0.0.1:{free_ports(1)[0]}"
    ended = bench("ttft", "--target", target, "--out", str(tmp_path / "out"))
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"error: no control plane answers at {target}: ")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["ttft", "overhead", "gpu"])
def test_every_bench_explains_itself(name: str) -> None:
    ended = bench(name, "--help")
    assert ended.returncode == 0
    assert "--out" in ended.stdout
