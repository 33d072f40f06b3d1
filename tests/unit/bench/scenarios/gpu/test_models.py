import json
from pathlib import Path
from typing import Any

import pytest

from bench.scenarios.gpu.models import SHAPES, TOKENIZER_FILES, Shape, Size, write_model
from nearfield.core.errors import ConfigError

DEMO = {"vocab_size": 1536, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    directory = tmp_path / "demo"
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps({**DEMO, "hidden_size": 7}))
    for name in TOKENIZER_FILES:
        (directory / name).write_text(f"the demo's {name}")
    return directory


def parameters(shape: Shape, vocabulary: int) -> int:
    """Count a Llama's weights, as its architecture has them."""
    head = shape.hidden // shape.heads
    attention = 2 * shape.hidden * shape.hidden + 2 * shape.hidden * shape.kv_heads * head
    layer = attention + 3 * shape.hidden * shape.intermediate + 2 * shape.hidden
    embeddings = vocabulary * shape.hidden * (1 if shape.tied_embeddings else 2)
    return shape.layers * layer + embeddings + shape.hidden


@pytest.mark.parametrize(
    ("size", "published"), [(Size.B1, 1_235_814_400), (Size.B8, 8_030_261_248)]
)
def test_the_shapes_are_those_of_the_published_models(size: Size, published: int) -> None:
    assert parameters(SHAPES[size], vocabulary=128256) == published


def test_every_size_has_a_shape() -> None:
    assert set(SHAPES) == set(Size)


@pytest.mark.parametrize("size", list(Size))
def test_a_model_is_a_configuration_and_the_demos_tokenizer(
    size: Size, tokenizer: Path, tmp_path: Path
) -> None:
    directory = write_model(SHAPES[size], tmp_path / "new" / "model", tokenizer)
    names = {path.name for path in directory.iterdir()}
    assert names == {"config.json", *TOKENIZER_FILES}
    for name in TOKENIZER_FILES:
        assert (directory / name).read_text() == f"the demo's {name}"
    config: dict[str, Any] = json.loads((directory / "config.json").read_text())
    assert {name: config[name] for name in DEMO} == DEMO
    shape = SHAPES[size]
    assert config["hidden_size"] == shape.hidden
    assert config["num_hidden_layers"] == shape.layers
    assert config["head_dim"] * config["num_attention_heads"] == shape.hidden
    assert config["num_key_value_heads"] == shape.kv_heads
    assert config["intermediate_size"] == shape.intermediate
    assert config["tie_word_embeddings"] is shape.tied_embeddings


def test_a_missing_demo_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no demo model .*config.json"):
        write_model(SHAPES[Size.B1], tmp_path / "model", tmp_path)
