"""What vLLM tells of its cache, against what it then does."""

import pytest

from nearfield.core.identity import new_id
from nearfield.core.inference import Sampling
from node_agent.engine.base import Engine
from node_agent.kv_cache.blocks import KvEvent, block_chain
from node_agent.kv_cache.resident import ResidentBlocks
from tests.support.engines import BLOCK
from tests.support.node_builders import eventually

pytestmark = pytest.mark.engine
FULL_BLOCKS = 6


class Follower:
    """Keeps an engine's blocks, as the agent does."""

    def __init__(self) -> None:
        self.blocks = ResidentBlocks()

    def take(self, event: KvEvent) -> None:
        self.blocks.take(event)

    def lost(self) -> None:
        self.blocks.clear()

    def resident(self, prompt: tuple[int, ...], salt: str) -> int:
        return self.blocks.leading(block_chain(salt, prompt, BLOCK))


def prompt_of(seed: int) -> tuple[int, ...]:
    """Six full blocks and a half that no other seed begins with."""
    length = FULL_BLOCKS * BLOCK + BLOCK // 2
    return (seed + 3, *((seed * 37 + index * 11) % 1500 for index in range(length - 1)))


async def cached(engine: Engine, prompt: tuple[int, ...], salt: str) -> int:
    """Answer a prompt, and return how many blocks of it were cached."""
    sampling = Sampling(temperature=0.0, max_tokens=2, ignore_eos=True)
    answer = engine.generate(new_id("req"), prompt, sampling, cache_salt=salt)
    first, *_ = [output async for output in answer]
    return first.cached_prompt_tokens // BLOCK


async def test_blocks_are_told_as_resident_under_their_salt_until_the_cache_is_cleared(
    vllm: Engine,
) -> None:
    follower, prompt = Follower(), prompt_of(701)
    vllm.follow_cache(follower)
    assert await cached(vllm, prompt, "one") == 0
    await eventually(lambda: follower.resident(prompt, "one") == FULL_BLOCKS)
    assert follower.resident(prompt, "other") == 0
    assert await cached(vllm, prompt, "other") == 0
    await eventually(lambda: follower.resident(prompt, "other") == FULL_BLOCKS)
    assert await cached(vllm, prompt, "one") == FULL_BLOCKS

    await vllm.clear_prefix_cache()
    later = prompt_of(702)
    await cached(vllm, later, "one")  # the clearing is told with the engine's next step
    await eventually(lambda: follower.resident(later, "one") == FULL_BLOCKS)
    assert [follower.resident(prompt, salt) for salt in ("one", "other")] == [0, 0]
    assert await cached(vllm, prompt, "one") == 0


async def test_evicted_blocks_are_told_and_what_is_told_is_what_is_cached(vllm: Engine) -> None:
    follower, first = Follower(), prompt_of(801)
    await vllm.clear_prefix_cache()
    vllm.follow_cache(follower)
    await cached(vllm, first, "one")
    await eventually(lambda: follower.resident(first, "one") == FULL_BLOCKS)
    for seed in range(802, 840):  # more than the cache holds
        await cached(vllm, prompt_of(seed), "one")
    await eventually(lambda: follower.resident(prompt_of(839), "one") == FULL_BLOCKS)
    for seed in (801, 839):
        told = follower.resident(prompt_of(seed), "one")
        assert told == (FULL_BLOCKS if seed == 839 else 0)
        assert await cached(vllm, prompt_of(seed), "one") == told
