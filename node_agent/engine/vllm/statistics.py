"""What vLLM says about its steps, summed up."""

import dataclasses
from typing import Any

from vllm.v1.metrics.loggers import StatLoggerBase

from nearfield.core.node import KvCacheLoad
from node_agent.engine.base import EngineStats


class Statistics(StatLoggerBase):  # type: ignore[misc]
    """Called once a step on the agent's own loop; silent while the engine is idle."""

    def __init__(self, vllm_config: Any, engine_index: int = 0) -> None:
        cache = vllm_config.cache_config
        block_tokens = cache.block_size
        self._cache = KvCacheLoad(
            capacity_tokens=(cache.num_gpu_blocks or 0) * block_tokens,
            block_tokens=block_tokens,
        )
        self._steps = 0

    def record(
        self,
        scheduler_stats: Any,
        iteration_stats: Any,
        mm_cache_stats: Any = None,
        engine_idx: int = 0,
    ) -> None:
        """Add one step; see vLLM's StatLoggerBase."""
        self._steps += 1
        if scheduler_stats is None:
            return
        prefixes = scheduler_stats.prefix_cache_stats
        self._cache = dataclasses.replace(
            self._cache,
            usage=scheduler_stats.kv_cache_usage,
            query_tokens=self._cache.query_tokens + prefixes.queries,
            hit_tokens=self._cache.hit_tokens + prefixes.hits,
        )

    def log_engine_initialized(self) -> None:
        """Nothing to say; see vLLM's StatLoggerBase."""

    def count_clearing(self) -> None:
        """Note that the prefix cache was emptied."""
        self._cache = dataclasses.replace(self._cache, cleared=self._cache.cleared + 1)

    def snapshot(self, evicted_blocks: int) -> EngineStats:
        """Return the sums so far."""
        cache = dataclasses.replace(self._cache, evicted_blocks=evicted_blocks)
        return EngineStats(steps=self._steps, kv_cache=cache)
