"""The engine in this very process, with the node's own settings and without its node."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.sample import Sample
from bench.scenarios.overhead.callers.base import Call, Heard, sampling
from nearfield.core.identity import new_id
from nearfield.core.inference import TextPrompt
from nearfield.core.lifecycle import bind_forks_to_this_process
from node_agent.engine.base import Engine
from node_agent.engine.vllm import environment
from node_agent.hardware.probe import find_probe
from node_agent.settings import NodeSettings


@asynccontextmanager
async def open_caller(target: str) -> AsyncIterator[Call]:
    """Start the engine of the node's settings file `target`, as node_agent.process does."""
    settings = NodeSettings.load(Path(target))
    probe = find_probe()
    hardware = probe.identify()
    environment.prepare(on_cpu=hardware.accelerators == 0, cpu_cores=hardware.cpu_cores)
    bind_forks_to_this_process()
    from node_agent.engine.vllm.engine import VllmEngine

    engine = await VllmEngine.start(settings, hardware)
    try:
        yield caller(engine)
    finally:
        await engine.aclose()
        probe.close()


def caller(engine: Engine) -> Call:
    """Return what sends text to an engine."""

    async def call(prompt: str, max_tokens: int) -> Sample:
        heard = Heard(max_tokens)
        ids = await engine.tokenize(TextPrompt(prompt))
        heard.prompt_tokens = len(ids)
        async for output in engine.generate(new_id("req"), ids, sampling(max_tokens)):
            heard.take(output.text)
            heard.cached_prompt_tokens = output.cached_prompt_tokens
            heard.completion_tokens += len(output.token_ids)
        return heard.sample()

    return call
