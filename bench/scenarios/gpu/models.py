"""Models of a known shape with made-up weights, so that nothing is downloaded."""

import json
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from nearfield.core.errors import ConfigError
from node_agent import demo_model

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
CONTEXT_TOKENS = 8192


class Size(StrEnum):
    """What `--size` takes."""

    B1 = "1b"
    B8 = "8b"


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a Llama model."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    tied_embeddings: bool


SHAPES = {
    Size.B1: Shape(2048, 16, 32, 8, 8192, tied_embeddings=True),
    Size.B8: Shape(4096, 32, 32, 8, 14336, tied_embeddings=False),
}
"""Those of Llama 3.2 1B and Llama 3.1 8B, but for the vocabulary."""


def write_model(shape: Shape, directory: Path, tokenizer: Path = demo_model.PATH) -> Path:
    """Write a configuration and the tokenizer of the model in `tokenizer`; returns `directory`.

    Raises ConfigError where that model is not there.
    """
    try:
        demo: dict[str, Any] = json.loads((tokenizer / "config.json").read_text(encoding="utf-8"))
        directory.mkdir(parents=True, exist_ok=True)
        for name in TOKENIZER_FILES:
            shutil.copyfile(tokenizer / name, directory / name)
    except OSError as error:
        raise ConfigError(f"no demo model to take the tokenizer from: {error}") from None
    config = json.dumps(model_config(shape, demo), indent=2)
    (directory / "config.json").write_text(config + "\n", encoding="utf-8")
    return directory


def model_config(shape: Shape, demo: dict[str, Any]) -> dict[str, Any]:
    """Return a Hugging Face configuration; vocabulary and special tokens are the demo model's."""
    tokens = ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id")
    return {
        **{name: demo[name] for name in tokens},
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "bfloat16",
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.hidden // shape.heads,
        "intermediate_size": shape.intermediate,
        "max_position_embeddings": CONTEXT_TOKENS,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"},
        "tie_word_embeddings": shape.tied_embeddings,
    }
