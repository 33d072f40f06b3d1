from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.errors import ConfigError
from nearfield.core.node import Hardware
from node_agent.kv_cache.budget import GIB, plan
from node_agent.kv_cache.settings import KvCacheSettings

CPU = Hardware(memory_bytes=30 * GIB)
GPU = Hardware("NVIDIA H200", 1, 140 * GIB)


def refused(**values: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        plan(KvCacheSettings(**values), CPU)
    return caught.value


def test_a_cpu_gives_a_tenth_of_its_memory_in_blocks_of_32() -> None:
    cache = plan(KvCacheSettings(), CPU)
    assert (cache.memory_bytes, cache.block_tokens) == (3 * GIB, 32)
    assert cache.prefix_caching


def test_a_gpu_sizes_its_cache_by_its_share_in_blocks_of_16() -> None:
    cache = plan(KvCacheSettings(gpu_memory_share=0.5), GPU)
    assert (cache.memory_bytes, cache.gpu_memory_share, cache.block_tokens) == (0, 0.5, 16)


def test_what_the_operator_says_holds() -> None:
    settings = KvCacheSettings(
        memory_bytes=GIB,
        block_tokens=64,
        prefix_caching=False,
        dtype="fp8",
        host_offload_bytes=2 * GIB,
    )
    cache = plan(settings, GPU)
    assert (cache.memory_bytes, cache.block_tokens, cache.dtype) == (GIB, 64, "fp8")
    assert not cache.prefix_caching
    assert cache.host_offload_bytes == 2 * GIB


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host_offload_bytes", 1),
        ("dtype", "fp8"),
        ("dtype", "fp8_e5m2"),
        ("block_tokens", 16),
        ("block_tokens", 33),
    ],
)
def test_what_needs_a_gpu_is_refused_without_one(field: str, value: object) -> None:
    error = refused(**{field: value})
    assert error.field == f"kv_cache.{field}"
    assert error.limit


@given(st.integers(1, 2**44))
def test_a_cpus_cache_never_passes_four_gib_or_a_tenth(memory: int) -> None:
    size = plan(KvCacheSettings(), Hardware(memory_bytes=memory)).memory_bytes
    assert size <= 4 * GIB
    assert size * 10 <= memory
