"""What vLLM reads from the environment, set before it is imported."""

import os

_CORES_PER_THREAD = 2
_SMALL_HOST_CORES = 4


def prepare(*, on_cpu: bool, cpu_cores: int) -> None:
    """Set what vLLM needs to embed well; what the operator has set stays."""
    defaults = {
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if on_cpu:
        # The model runs in the engine's own process; a worker process more costs twice the CPU.
        defaults["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        # Several threads on few cores stall short requests for 0.3 to 0.7 s under contention.
        threads = 1 if cpu_cores <= _SMALL_HOST_CORES else cpu_cores // _CORES_PER_THREAD
        defaults |= {"OMP_NUM_THREADS": str(threads), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def fork_engine() -> None:
    """Let vLLM fork its engine; it resets this while it builds its configuration.

    A fork starts in a fraction of a spawn's time and takes the parent-death signal along,
    but must happen before the first use of gRPC, whose threads do not survive it.
    """
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"
