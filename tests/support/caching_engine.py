"""A simulated engine that caches prefixes, and says which, for tests of what follows it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import ChatPrompt, Prompt, Sampling
from node_agent.bootstrap import node_info
from node_agent.engine.base import CacheFollower, EngineOutput
from node_agent.engine.simulated import SimulatedEngine
from node_agent.hardware.host import HostProbe
from node_agent.prefixes import Prefixes
from node_agent.prewarm import Prewarm
from node_agent.workload import Workload
from tests.support.kv_builders import BLOCK, engine_hashes, removed, stored
from tests.support.node_builders import HandClock, node_settings


@dataclass(frozen=True)
class Asked:
    """What an engine was asked to go on from."""

    prompt: tuple[int, ...]
    salt: str
    sampling: Sampling


class CachingEngine(SimulatedEngine):
    """Holds whole prompts in blocks of BLOCK tokens, until they are evicted.

    It notes what it was `asked`, and the `most` requests it has had at once; it refuses
    prompts in `refused`, and says nothing of its cache while it is `quiet`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.info = replace(self.info, block_tokens=BLOCK)
        self.asked: list[Asked] = []
        self.refused: set[tuple[int, ...]] = set()
        self.quiet = False
        self.running = self.most = 0
        self._held: set[bytes] = set()
        self._followers: list[CacheFollower] = []

    def follow_cache(self, follower: CacheFollower) -> None:
        self._followers.append(follower)

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        """A conversation has a mark before each turn, as a chat template has."""
        if isinstance(prompt, ChatPrompt):
            turns = (f"<{turn.role}>{turn.content}" for turn in prompt.messages)
            return tuple("".join(turns).encode())
        return await super().tokenize(prompt)

    async def generate(
        self,
        request_id: str,
        prompt: tuple[int, ...],
        sampling: Sampling,
        trace: Mapping[str, str] | None = None,
        tokens_per_piece: int = 1,
        cache_salt: str = "",
    ) -> AsyncGenerator[EngineOutput]:
        self.asked.append(Asked(prompt, cache_salt, sampling))
        if prompt in self.refused:
            raise InvalidRequest("refused for a test", field="prompt", limit="another one")
        self.running += 1
        self.most = max(self.most, self.running)
        cached = self._cached(prompt, cache_salt)
        outputs = super().generate(request_id, prompt, sampling, trace, tokens_per_piece)
        try:
            async with aclosing(outputs):
                async for output in outputs:
                    self.hold(prompt, cache_salt)
                    yield replace(output, cached_prompt_tokens=cached)
        finally:
            self.running -= 1

    def evict(self, prompt: tuple[int, ...], salt: str) -> None:
        """Drop a prompt's blocks."""
        self._held.difference_update(engine_hashes(prompt, salt))
        for follower in self._followers:
            follower.take(removed(prompt, salt))

    def hold(self, prompt: tuple[int, ...], salt: str) -> None:
        """Cache a prompt's blocks."""
        names = engine_hashes(prompt, salt)
        if self.quiet or self._held.issuperset(names):
            return
        first = next(index for index, name in enumerate(names) if name not in self._held)
        self._held.update(names)
        for follower in self._followers:
            follower.take(stored(prompt, salt, first=first))

    def _cached(self, prompt: tuple[int, ...], salt: str) -> int:
        names = engine_hashes(prompt, salt)
        held = (index for index, name in enumerate(names) if name not in self._held)
        return BLOCK * next(held, len(names))


class Warmer:
    """A Prewarm over a caching engine, with all that it leans on in reach."""

    def __init__(self, engine: CachingEngine | None = None, **settings: Any) -> None:
        self.engine = engine or CachingEngine(**settings)
        self.clock = HandClock()
        self.workload = Workload()
        self.prefixes = Prefixes(self.engine.info.block_tokens, 4096)
        self.engine.follow_cache(self.prefixes)
        node = node_info(node_settings(), self.engine, HostProbe())
        self.prewarm = Prewarm(self.engine, node, self.prefixes, self.workload, self.clock)
