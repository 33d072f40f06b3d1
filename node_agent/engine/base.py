"""The contract of an engine, kept by every implementation and tested once for all."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nearfield.core.inference import FinishReason, Prompt, Sampling, TokenLogprobs
from nearfield.core.node import KvCacheLoad, Model
from node_agent.kv_cache.blocks import KvEvent


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine serves: `slots` requests at once, of token ids below `vocabulary`.

    Prefixes are cached in blocks of `block_tokens`; 0 is an engine that caches none.
    `prefills` are those of its warm-up, as tokens and seconds to the first token.
    """

    model: Model
    slots: int
    vocabulary: int
    block_tokens: int = 0
    prefills: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class EngineTimings:
    """Seconds inside the engine; zero for a span that has not ended."""

    queue: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0


@dataclass(frozen=True, slots=True)
class EngineOutput:
    """The tokens of one step or of several; the last one carries a finish reason."""

    token_ids: tuple[int, ...]
    text: str
    cached_prompt_tokens: int
    timings: EngineTimings
    logprobs: tuple[TokenLogprobs, ...] = ()
    finish_reason: FinishReason | None = None
    stop: str = ""


@dataclass(frozen=True, slots=True)
class EngineStats:
    """`steps` grows with every step of the engine and stands still while it is idle."""

    steps: int = 0
    kv_cache: KvCacheLoad = field(default_factory=KvCacheLoad)


class CacheFollower(Protocol):
    """Who follows which blocks an engine holds."""

    def take(self, event: KvEvent) -> None:
        """Take an event; they come in order."""

    def lost(self) -> None:
        """Know that some events will never come: all that was held of the cache is void."""


class Engine(ABC):
    """Runs one model until it dies or is closed."""

    info: EngineInfo

    @abstractmethod
    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        """Return the prompt's token ids; raises InvalidRequest for what cannot be a prompt."""

    @abstractmethod
    def generate(
        self,
        request_id: str,
        prompt: tuple[int, ...],
        sampling: Sampling,
        trace: Mapping[str, str] | None = None,
        tokens_per_piece: int = 1,
        cache_salt: str = "",
    ) -> AsyncGenerator[EngineOutput]:
        """Stream the answer to a prompt of `1 .. context_tokens - 1` token ids.

        After the first token, up to `tokens_per_piece` may come together, never late for the
        last one.
        Closing the iterator frees the slot. Raises EngineDied when the engine dies
        under it, InvalidRequest for sampling values the engine refuses. `trace` holds
        W3C trace headers. Cached prefixes are shared by requests of the same `cache_salt`,
        and by no others.
        """

    @abstractmethod
    def follow_cache(self, follower: CacheFollower) -> None:
        """Tell `follower` of every block that is cached or dropped from now on."""

    @abstractmethod
    def stats(self) -> EngineStats:
        """Return the engine's own counters, as of its last step."""

    @abstractmethod
    async def clear_prefix_cache(self) -> None:
        """Forget every cached prefix that no running request holds."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether it can still answer; once False, always False."""

    @abstractmethod
    async def aclose(self) -> None:
        """End the engine and every process of it; twice is once."""
