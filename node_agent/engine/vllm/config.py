"""From our settings to vLLM's."""

from typing import Any

import vllm
from packaging.version import Version
from vllm import AsyncEngineArgs

from nearfield.core.errors import ConfigError
from node_agent.kv_cache.budget import GIB, CachePlan
from node_agent.settings import EngineSettings, ModelSettings
from node_agent.weights.source import resolve

CPU_SLOTS = 16
GPU_SLOTS = 256
OLDEST_SAFE = Version("0.32.0")
"""Fixes a template that could exhaust the server and a bypass of the trust in remote code."""


def check_version(settings: EngineSettings) -> None:
    """Raise ConfigError for a vLLM with known faults, unless the operator accepts them."""
    if Version(vllm.__version__) < OLDEST_SAFE and not settings.allow_vulnerable_vllm:
        raise ConfigError(
            f"vLLM {vllm.__version__} has known faults; install {OLDEST_SAFE} or newer, or accept "
            "them with engine.allow_vulnerable_vllm",
            field="engine.allow_vulnerable_vllm",
            limit=f"at least {OLDEST_SAFE}",
        )


def engine_args(
    model: ModelSettings,
    engine: EngineSettings,
    cache: CachePlan,
    *,
    kv_events: Any,
    on_cpu: bool,
    otlp_endpoint: str,
) -> AsyncEngineArgs:
    """Return vLLM's arguments for one model on this hardware."""
    values: dict[str, Any] = {
        "model": resolve(model.path),
        "dtype": _dtype(model.dtype, on_cpu=on_cpu),
        "max_num_seqs": engine.slots or (CPU_SLOTS if on_cpu else GPU_SLOTS),
        "enforce_eager": on_cpu if engine.compile is None else not engine.compile,
        "enable_prefix_caching": cache.prefix_caching,
        "block_size": cache.block_tokens,
        "kv_cache_dtype": cache.dtype,
        "kv_events_config": kv_events,
        "disable_log_stats": False,
        "use_tqdm_on_load": False,
    }
    if model.context_tokens:
        values["max_model_len"] = model.context_tokens
    if model.random_weights:
        values["load_format"] = "dummy"
    if cache.memory_bytes:
        values["kv_cache_memory_bytes"] = cache.memory_bytes
    if cache.host_offload_bytes:
        values["kv_offloading_size"] = cache.host_offload_bytes / GIB
    if otlp_endpoint:
        values["otlp_traces_endpoint"] = otlp_endpoint
    values |= _cpu_values() if on_cpu else _gpu_values(cache)
    return AsyncEngineArgs(**values)


def _dtype(dtype: str, *, on_cpu: bool) -> str:
    # float16 is slow on processors; bfloat16 has instructions of its own on recent ones.
    return "bfloat16" if on_cpu and dtype == "auto" else dtype


def _cpu_values() -> dict[str, Any]:
    # A seeded request whose prefill is cut in pieces raises inside the CPU engine.
    return {"enable_chunked_prefill": False}


def _gpu_values(cache: CachePlan) -> dict[str, Any]:
    return {"gpu_memory_utilization": cache.gpu_memory_share}
