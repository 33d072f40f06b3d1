from typing import Any

import pytest
import vllm

from nearfield.core.errors import ConfigError
from nearfield.core.node import Hardware
from node_agent import demo_model
from node_agent.engine.vllm.config import OLDEST_SAFE, check_version, engine_args
from node_agent.kv_cache.budget import GIB, plan
from node_agent.kv_cache.settings import KvCacheSettings
from node_agent.settings import EngineSettings, ModelSettings

CPU = Hardware(memory_bytes=20 * GIB)
GPU = Hardware("NVIDIA H200", 1, 140 * GIB)


def args(
    hardware: Hardware = CPU,
    model: ModelSettings | None = None,
    engine: EngineSettings | None = None,
    otlp: str = "",
    **cache: Any,
) -> Any:
    return engine_args(
        model or ModelSettings(),
        engine or EngineSettings(),
        plan(KvCacheSettings(**cache), hardware),
        kv_events=None,
        on_cpu=hardware.accelerators == 0,
        otlp_endpoint=otlp,
    )


def test_the_demo_model_is_the_default() -> None:
    assert args().model == str(demo_model.PATH)


def test_a_cpu_runs_bfloat16_and_whole_prefills() -> None:
    assert args().dtype == "bfloat16"
    assert args().enable_chunked_prefill is False
    assert args(model=ModelSettings(dtype="float32")).dtype == "float32"


def test_a_gpu_runs_the_models_own_type_in_its_share_of_memory() -> None:
    found = args(GPU, gpu_memory_share=0.4)
    assert found.dtype == "auto"
    assert found.gpu_memory_utilization == 0.4
    assert found.kv_cache_memory_bytes is None


def test_the_cache_is_as_planned() -> None:
    found = args(GPU, block_tokens=64, dtype="fp8", prefix_caching=False, host_offload_bytes=GIB)
    assert (found.block_size, found.kv_cache_dtype) == (64, "fp8")
    assert found.enable_prefix_caching is False
    assert found.kv_offloading_size == 1
    assert args().kv_cache_memory_bytes == 2 * GIB


def test_slots_context_and_compilation_are_the_operators() -> None:
    found = args(
        model=ModelSettings(context_tokens=512, random_weights=True),
        engine=EngineSettings(slots=3, compile=True),
        otlp="http://collector:4317",
    )
    assert (found.max_num_seqs, found.max_model_len) == (3, 512)
    assert found.load_format == "dummy"
    assert found.enforce_eager is False
    assert found.otlp_traces_endpoint == "http://collector:4317"


def test_an_old_vllm_is_refused_unless_its_faults_are_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vllm, "__version__", "0.31.9")
    with pytest.raises(ConfigError) as caught:
        check_version(EngineSettings())
    assert caught.value.field == "engine.allow_vulnerable_vllm"
    check_version(EngineSettings(allow_vulnerable_vllm=True))
    monkeypatch.setattr(vllm, "__version__", f"{OLDEST_SAFE}+cpu")
    check_version(EngineSettings())
