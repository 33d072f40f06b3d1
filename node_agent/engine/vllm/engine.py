"""One vLLM engine in a process of its own, driven from this one."""

import dataclasses
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from vllm.inputs import tokens_input
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from nearfield.core.clock import monotonic
from nearfield.core.errors import ConfigError, EngineDied, InvalidRequest
from nearfield.core.identity import new_id
from nearfield.core.inference import FinishReason, Prompt, Sampling
from nearfield.core.node import Hardware, Model
from node_agent.engine.base import (
    CacheFollower,
    Engine,
    EngineInfo,
    EngineOutput,
    EngineStats,
    EngineTimings,
)
from node_agent.engine.vllm.config import check_version, engine_args
from node_agent.engine.vllm.environment import fork_engine
from node_agent.engine.vllm.events import KvEvents
from node_agent.engine.vllm.prompts import Prompts, is_client_error
from node_agent.engine.vllm.sampling import logprobs_from, to_params
from node_agent.engine.vllm.statistics import Statistics
from node_agent.kv_cache.blocks import BlocksCleared
from node_agent.kv_cache.budget import plan
from node_agent.settings import NodeSettings
from node_agent.weights.digest import model_digest
from node_agent.weights.source import served_name

_WARM_UP_TOKENS = 32
_TIMED_TOKENS = 512
"""Long enough to tell the rate of a prefill from its fixed cost."""
_FINISH_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}


class VllmEngine(Engine):
    """Built by `start`; dead for ever once its process is gone."""

    def __init__(
        self, llm: Any, config: Any, statistics: Statistics, events: KvEvents, model: Model
    ) -> None:
        self._llm = llm
        self._statistics = statistics
        self._events = events
        self._follower: CacheFollower | None = None
        self._defaults = config.model_config.get_diff_sampling_param()
        self.info = EngineInfo(
            model=model,
            slots=config.scheduler_config.max_num_seqs,
            vocabulary=config.model_config.get_vocab_size(),
            block_tokens=_block_tokens(config.cache_config),
        )
        self._prompts = Prompts(llm.renderer, self.info.vocabulary, model.context_tokens)

    @classmethod
    async def start(cls, settings: NodeSettings, hardware: Hardware) -> "VllmEngine":
        """Load the model and answer once; raises ConfigError where it cannot be served."""
        on_cpu = hardware.accelerators == 0
        check_version(settings.engine)
        events = KvEvents()
        args = engine_args(
            settings.model,
            settings.engine,
            plan(settings.kv_cache, hardware),
            kv_events=events.config(),
            on_cpu=on_cpu,
            otlp_endpoint=settings.telemetry.otlp_endpoint,
        )
        config = _create_config(args, settings.model.path)
        fork_engine()
        loggers: list[Statistics] = []

        def statistics(vllm_config: Any, index: int = 0) -> Statistics:
            loggers.append(Statistics(vllm_config, index))
            return loggers[-1]

        llm = AsyncLLM.from_vllm_config(config, stat_loggers=[statistics])
        events.follow()
        engine = cls(llm, config, loggers[0], events, _describe(settings, config))
        await engine._warm_up()
        return engine

    async def _warm_up(self) -> None:
        """Compile what the first requests would otherwise wait seconds for, then time prefills."""
        for sampling in (Sampling(max_tokens=2), Sampling(max_tokens=2, logprobs=1, seed=1)):
            await self._prefill(_WARM_UP_TOKENS, sampling)
        longest = min(_TIMED_TOKENS, self.info.model.context_tokens // 2)
        await self._prefill(longest, Sampling(max_tokens=1))  # compiled for its length as well
        prefills = []
        for tokens in (_WARM_UP_TOKENS, longest):
            await self._llm.reset_prefix_cache()
            prefills.append((tokens, await self._prefill(tokens, Sampling(max_tokens=1))))
        self.info = dataclasses.replace(self.info, prefills=tuple(prefills))
        await self._llm.reset_prefix_cache()

    async def _prefill(self, tokens: int, sampling: Sampling) -> float:
        """Answer a made-up prompt; returns the seconds to its first token."""
        prompt = tuple(index % self.info.vocabulary for index in range(tokens))
        started = first = monotonic()
        async for _ in self.generate(new_id("warm"), prompt, sampling):
            first = monotonic() if first == started else first
        return first - started

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        return await self._prompts.tokenize(prompt)

    async def generate(
        self,
        request_id: str,
        prompt: tuple[int, ...],
        sampling: Sampling,
        trace: Mapping[str, str] | None = None,
        tokens_per_piece: int = 1,
        cache_salt: str = "",
    ) -> AsyncGenerator[EngineOutput]:
        room = self.info.model.context_tokens - len(prompt)
        params = to_params(sampling, self._defaults, room, tokens_per_piece)
        outputs = self._llm.generate(
            # None and not an empty salt: vLLM refuses the latter.
            tokens_input(list(prompt), cache_salt=cache_salt or None),
            params,
            request_id,
            trace_headers=trace,
        )
        try:
            async for output in outputs:
                yield _translate(output)
        except EngineDeadError:
            raise EngineDied("the engine died under this request") from None
        except Exception as error:
            if not is_client_error(error):
                raise
            raise InvalidRequest(f"sampling: {error}", field="sampling") from None
        finally:
            await outputs.aclose()

    def follow_cache(self, follower: CacheFollower) -> None:
        self._follower = follower
        self._events.listen(follower.take, follower.lost)

    def stats(self) -> EngineStats:
        return self._statistics.snapshot(self._events.evicted_blocks)

    async def clear_prefix_cache(self) -> None:
        await self._llm.reset_prefix_cache()
        self._statistics.count_clearing()
        if self._follower is not None:
            # vLLM's own word of it comes with the next step, which an idle engine does not make.
            self._follower.take(BlocksCleared())

    @property
    def alive(self) -> bool:
        return self._llm is not None and not self._llm.errored

    async def aclose(self) -> None:
        await self._events.aclose()
        if self._llm is not None:
            self._llm.shutdown()
            self._llm = None  # its finaliser fails when it runs after the interpreter's end


def _block_tokens(cache: Any) -> int:
    return cache.block_size if cache.enable_prefix_caching else 0


def _create_config(args: Any, path: str) -> Any:
    try:
        # As for vLLM's own server: by default vLLM steps through smaller batches.
        return args.create_engine_config(UsageContext.OPENAI_API_SERVER)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot serve '{path}': {error}", field="model.path") from None


def _describe(settings: NodeSettings, config: Any) -> Model:
    path = Path(config.model_config.model)
    digest = model_digest(path) if path.is_dir() else f"hub:{config.model_config.model}"
    return Model(
        name=served_name(settings.model.path, settings.model.name),
        digest=digest,
        context_tokens=config.model_config.max_model_len,
        dtype=str(config.model_config.dtype).removeprefix("torch."),
    )


def _translate(output: Any) -> EngineOutput:
    (answer,) = output.outputs
    token_ids = tuple(answer.token_ids)
    return EngineOutput(
        token_ids=token_ids,
        text=answer.text,
        cached_prompt_tokens=output.num_cached_tokens or 0,
        timings=_timings(output.metrics),
        logprobs=logprobs_from(answer.logprobs, token_ids),
        finish_reason=_FINISH_REASONS[answer.finish_reason] if answer.finish_reason else None,
        stop=answer.stop_reason if isinstance(answer.stop_reason, str) else "",
    )


def _timings(metrics: Any) -> EngineTimings:
    """The engine's clock stamps: queued, scheduled, first and last token."""
    return EngineTimings(
        queue=max(0.0, metrics.scheduled_ts - metrics.queued_ts),
        prefill=max(0.0, metrics.first_token_ts - metrics.scheduled_ts),
        decode=max(0.0, metrics.last_token_ts - metrics.first_token_ts),
    )
