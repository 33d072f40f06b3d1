"""Importing vLLM in a test process: set up as the product does, its warnings left to itself."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from node_agent.engine.vllm import environment
from node_agent.hardware.probe import find_probe


@contextmanager
def vllm_warnings_ignored() -> Iterator[None]:
    """Let vLLM and torch warn, which would end a test; an engine forked in here may go on to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def import_vllm() -> None:
    """Import what the engine needs; nothing may start a thread before the engine forks."""
    hardware = find_probe().identify()
    environment.prepare(on_cpu=hardware.accelerators == 0, cpu_cores=hardware.cpu_cores)
    with vllm_warnings_ignored():
        import node_agent.engine.vllm.engine  # noqa: F401
