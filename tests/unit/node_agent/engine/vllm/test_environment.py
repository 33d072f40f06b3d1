import os

import pytest

from node_agent.engine.vllm.environment import fork_engine, prepare


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    empty: dict[str, str] = {}
    monkeypatch.setattr(os, "environ", empty)
    return empty


@pytest.mark.parametrize(("cores", "threads"), [(1, "1"), (4, "1"), (5, "2"), (64, "32")])
def test_few_cores_get_one_thread_and_many_half_as_many_as_cores(
    environ: dict[str, str], cores: int, threads: str
) -> None:
    prepare(on_cpu=True, cpu_cores=cores)
    assert environ["OMP_NUM_THREADS"] == threads


def test_a_gpu_leaves_the_threads_alone(environ: dict[str, str]) -> None:
    prepare(on_cpu=False, cpu_cores=64)
    assert "OMP_NUM_THREADS" not in environ
    assert environ["VLLM_NO_USAGE_STATS"] == "1"


def test_what_the_operator_set_stays(environ: dict[str, str]) -> None:
    environ |= {"OMP_NUM_THREADS": "3", "VLLM_LOGGING_LEVEL": "DEBUG"}
    prepare(on_cpu=True, cpu_cores=2)
    assert environ["OMP_NUM_THREADS"] == "3"
    assert environ["VLLM_LOGGING_LEVEL"] == "DEBUG"


def test_the_engine_is_forked_whatever_was_set(environ: dict[str, str]) -> None:
    environ["VLLM_WORKER_MULTIPROC_METHOD"] = "spawn"
    fork_engine()
    assert environ["VLLM_WORKER_MULTIPROC_METHOD"] == "fork"
