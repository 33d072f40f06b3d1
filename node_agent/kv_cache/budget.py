"""Which cache a node gets, from its settings and hardware: pure arithmetic."""

from dataclasses import dataclass

from nearfield.core.errors import ConfigError
from nearfield.core.node import Hardware
from node_agent.kv_cache.settings import KvCacheSettings

GIB = 1024**3
CPU_SHARE = 10
CPU_MOST_BYTES = 4 * GIB
CPU_BLOCK_TOKENS = 32
"""vLLM's CPU attention takes multiples of 32; its default of 128 makes hits coarser."""
GPU_BLOCK_TOKENS = 16


@dataclass(frozen=True, slots=True)
class CachePlan:
    """`memory_bytes` of 0 leaves the size to `gpu_memory_share`."""

    memory_bytes: int
    gpu_memory_share: float
    block_tokens: int
    prefix_caching: bool
    dtype: str
    host_offload_bytes: int


def plan(settings: KvCacheSettings, hardware: Hardware) -> CachePlan:
    """Fill in what the settings leave open; raises ConfigError for what cannot work here."""
    on_cpu = hardware.accelerators == 0
    if on_cpu:
        _check_cpu(settings)
    return CachePlan(
        memory_bytes=settings.memory_bytes or (_cpu_bytes(hardware) if on_cpu else 0),
        gpu_memory_share=settings.gpu_memory_share,
        block_tokens=settings.block_tokens or (CPU_BLOCK_TOKENS if on_cpu else GPU_BLOCK_TOKENS),
        prefix_caching=settings.prefix_caching,
        dtype=settings.dtype,
        host_offload_bytes=settings.host_offload_bytes,
    )


def _cpu_bytes(hardware: Hardware) -> int:
    return min(hardware.memory_bytes // CPU_SHARE, CPU_MOST_BYTES)


def _check_cpu(settings: KvCacheSettings) -> None:
    if settings.host_offload_bytes:
        raise ConfigError(
            "kv_cache.host_offload_bytes needs a GPU: on a CPU the cache is in host memory",
            field="kv_cache.host_offload_bytes",
            limit="0 without a GPU",
        )
    if settings.dtype.startswith("fp8"):
        raise ConfigError(
            f"kv_cache.dtype {settings.dtype} needs a GPU",
            field="kv_cache.dtype",
            limit="auto, bfloat16 or float16 without a GPU",
        )
    if settings.block_tokens % CPU_BLOCK_TOKENS:
        raise ConfigError(
            f"kv_cache.block_tokens {settings.block_tokens} is not a multiple of "
            f"{CPU_BLOCK_TOKENS}, which the CPU needs",
            field="kv_cache.block_tokens",
            limit=f"a multiple of {CPU_BLOCK_TOKENS}",
        )
