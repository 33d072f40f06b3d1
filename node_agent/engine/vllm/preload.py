"""The modules that starting an engine would import, ahead of the forks that need them."""

from importlib import import_module

_ALWAYS = (
    "node_agent.engine.vllm.engine",
    "vllm.v1.engine.core",
    "vllm.v1.executor.uniproc_executor",
    "vllm.model_executor.model_loader",
    "vllm.model_executor.models.llama",
)
_CPU = ("vllm.v1.worker.cpu_worker", "vllm.v1.worker.cpu_model_runner")


def preload() -> None:
    """Import them; those for processors only where vLLM runs on one."""
    for name in _ALWAYS:
        import_module(name)
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        for name in _CPU:
            import_module(name)
