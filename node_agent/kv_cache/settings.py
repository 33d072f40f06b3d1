"""What an operator may say about the KV cache."""

from typing import Literal

from pydantic import Field

from nearfield.core.settings import Section


class KvCacheSettings(Section):
    """Every value has a default for the hardware; see `plan`."""

    memory_bytes: int = Field(default=0, ge=0)
    """Bytes for the cache. 0: on a GPU what `gpu_memory_share` leaves, on a CPU a tenth of the
    host's memory and at most 4 GiB. Raise it when `evicted` grows while the hit rate falls."""
    gpu_memory_share: float = Field(default=0.9, gt=0.0, le=1.0)
    """Share of a GPU's memory for weights, activations and cache together."""
    block_tokens: int = Field(default=0, ge=0)
    """Tokens a block; hits come in whole blocks. 0: 16 on a GPU, 32 on a CPU, where a multiple
    of 32 is needed."""
    prefix_caching: bool = True
    """Keep the blocks of finished requests for prompts that start alike."""
    report_bytes: int = Field(default=4096, ge=0, le=65_536)
    """Bytes of hot prefix keys that are reported, 12 a key; raise it where many system prompts
    are hot at once. 0 reports none."""
    dtype: Literal["auto", "fp8", "fp8_e4m3", "fp8_e5m2", "bfloat16", "float16"] = "auto"
    """Form of the cached values; `auto` is the model's own. fp8 halves the memory, on a GPU."""
    host_offload_bytes: int = Field(default=0, ge=0)
    """Host memory that takes blocks evicted from the GPU; 0 is off. Not on a CPU."""
