"""An engine without a model, for tests of everything around one. Never called real."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

from nearfield.core.errors import EngineDied
from nearfield.core.inference import (
    ChatPrompt,
    FinishReason,
    Prompt,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from nearfield.core.node import KvCacheLoad, Model
from node_agent.engine.base import (
    CacheFollower,
    Engine,
    EngineInfo,
    EngineOutput,
    EngineStats,
    EngineTimings,
)


class SimulatedEngine(Engine):
    """Repeats the prompt's bytes as tokens, one each `step_seconds`."""

    def __init__(
        self,
        name: str = "simulated",
        *,
        slots: int = 4,
        context_tokens: int = 256,
        step_seconds: float = 0.0,
    ) -> None:
        model = Model(name, digest="simulated", context_tokens=context_tokens, dtype="none")
        self.info = EngineInfo(model=model, slots=slots, vocabulary=256)
        self._step_seconds = step_seconds
        self._slots = asyncio.Semaphore(slots)
        self._died = asyncio.Event()
        self._steps = 0
        self._cleared = 0

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        match prompt:
            case TextPrompt(text):
                return tuple(text.encode())
            case ChatPrompt(messages):
                return tuple("".join(turn.content for turn in messages).encode())
            case TokenPrompt(token_ids):
                return token_ids

    async def generate(
        self,
        request_id: str,
        prompt: tuple[int, ...],
        sampling: Sampling,
        trace: Mapping[str, str] | None = None,
        tokens_per_piece: int = 1,
        cache_salt: str = "",
    ) -> AsyncGenerator[EngineOutput]:
        async with self._slots:
            most = sampling.max_tokens or len(prompt)
            for index in range(most):
                await self._step()
                last = index == most - 1
                token = prompt[index % len(prompt)]
                yield EngineOutput(
                    token_ids=(token,),
                    text=chr(token),
                    cached_prompt_tokens=0,
                    timings=EngineTimings(prefill=self._step_seconds),
                    finish_reason=FinishReason.LENGTH if last else None,
                )

    def follow_cache(self, follower: CacheFollower) -> None:
        """It caches nothing."""

    async def _step(self) -> None:
        """Let one step pass, unless the engine dies first."""
        try:
            async with asyncio.timeout(self._step_seconds):
                await self._died.wait()
        except TimeoutError:
            self._steps += 1
            return
        raise EngineDied("the engine died")

    def die(self) -> None:
        """End as a crash would."""
        self._died.set()

    def stats(self) -> EngineStats:
        cache = KvCacheLoad(cleared=self._cleared)
        return EngineStats(steps=self._steps, kv_cache=cache)

    async def clear_prefix_cache(self) -> None:
        self._cleared += 1

    @property
    def alive(self) -> bool:
        return not self._died.is_set()

    async def aclose(self) -> None:
        self._died.set()
