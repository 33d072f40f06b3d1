"""Engines for the tests of their contract, and short ways to use one."""

from collections.abc import AsyncGenerator

from nearfield.core.identity import new_id
from nearfield.core.inference import Sampling
from nearfield.core.lifecycle import bind_forks_to_this_process
from node_agent.engine.base import Engine, EngineOutput
from node_agent.hardware.probe import find_probe
from tests.support.node_builders import node_settings
from tests.support.vllm_import import import_vllm, vllm_warnings_ignored

SLOTS = 2
BLOCK = 32
CACHE_BLOCKS = 128
CACHE_BYTES = CACHE_BLOCKS * BLOCK * 1024
"""Two contexts of the demo model, at its kilobyte a token: small enough to overflow in a test."""


async def start_vllm() -> Engine:
    """Start vLLM with the demo model, in a process that ends with this one."""
    import_vllm()
    bind_forks_to_this_process()
    settings = node_settings(
        kv_cache={"memory_bytes": CACHE_BYTES, "block_tokens": BLOCK}, engine={"slots": SLOTS}
    )
    with vllm_warnings_ignored():
        from node_agent.engine.vllm.engine import VllmEngine

        return await VllmEngine.start(settings, find_probe().identify())


def start(engine: Engine, prompt: tuple[int, ...], max_tokens: int) -> AsyncGenerator[EngineOutput]:
    """Begin an answer of exactly `max_tokens`."""
    sampling = Sampling(temperature=0.0, max_tokens=max_tokens, ignore_eos=True)
    return engine.generate(new_id("req"), prompt, sampling)


async def outputs(
    engine: Engine, prompt: tuple[int, ...], sampling: Sampling
) -> list[EngineOutput]:
    """Return the whole answer, piece by piece."""
    return [output async for output in engine.generate(new_id("req"), prompt, sampling)]


def text_of(pieces: list[EngineOutput]) -> str:
    """Return an answer's text."""
    return "".join(piece.text for piece in pieces)


def tokens_of(pieces: list[EngineOutput]) -> tuple[int, ...]:
    """Return an answer's token ids."""
    return tuple(token for piece in pieces for token in piece.token_ids)
