from types import SimpleNamespace
from typing import Any

from node_agent.engine.vllm.statistics import Statistics


def statistics(blocks: int | None = 64) -> Statistics:
    cache = SimpleNamespace(block_size=32, num_gpu_blocks=blocks)
    return Statistics(SimpleNamespace(cache_config=cache))


def step(usage: float, queries: int, hits: int) -> Any:
    prefixes = SimpleNamespace(queries=queries, hits=hits)
    return SimpleNamespace(kv_cache_usage=usage, prefix_cache_stats=prefixes)


def test_before_the_first_step_the_capacity_is_known() -> None:
    stats = statistics().snapshot(0)
    assert stats.steps == 0
    assert (stats.kv_cache.capacity_tokens, stats.kv_cache.block_tokens) == (64 * 32, 32)
    assert statistics(None).snapshot(0).kv_cache.capacity_tokens == 0


def test_usage_is_of_the_last_step_and_lookups_are_summed() -> None:
    seen = statistics()
    seen.record(step(0.5, 100, 0), None)
    seen.record(step(0.25, 60, 32), None)
    stats = seen.snapshot(evicted_blocks=3)
    assert stats.steps == 2
    assert stats.kv_cache.usage == 0.25
    assert (stats.kv_cache.query_tokens, stats.kv_cache.hit_tokens) == (160, 32)
    assert stats.kv_cache.hit_rate == 0.2
    assert stats.kv_cache.evicted_blocks == 3


def test_a_step_without_numbers_still_counts() -> None:
    seen = statistics()
    seen.record(None, None)
    assert seen.snapshot(0).steps == 1


def test_clearings_are_counted() -> None:
    seen = statistics()
    seen.count_clearing()
    seen.record(step(0.0, 1, 0), None)
    seen.count_clearing()
    assert seen.snapshot(0).kv_cache.cleared == 2
