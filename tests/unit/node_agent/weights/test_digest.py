from pathlib import Path

import pytest

from node_agent.weights.digest import model_digest

FILES = {
    "model.safetensors": b"\x00\x01weights",
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "chat_template.jinja": b"{{ messages }}",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_digest_names_its_kind_and_is_the_same_twice(model: Path) -> None:
    digest = model_digest(model)
    assert digest.startswith("blake2b:")
    assert len(digest) == len("blake2b:") + 32
    assert model_digest(model) == digest


@pytest.mark.parametrize("name", list(FILES))
def test_every_file_that_shapes_the_answer_counts(model: Path, name: str) -> None:
    before = model_digest(model)
    (model / name).write_bytes(FILES[name] + b" ")
    assert model_digest(model) != before


def test_a_file_under_another_name_is_another_model(model: Path) -> None:
    before = model_digest(model)
    (model / "model.safetensors").rename(model / "modem.safetensors")
    assert model_digest(model) != before


def test_content_that_moves_between_files_counts(model: Path) -> None:
    before = model_digest(model)
    (model / "config.json").write_bytes(FILES["chat_template.jinja"])
    (model / "chat_template.jinja").write_bytes(FILES["config.json"])
    assert model_digest(model) != before


def test_what_does_not_shape_the_answer_does_not_count(model: Path) -> None:
    before = model_digest(model)
    (model / "README.md").write_text("a new readme")
    assert model_digest(model) == before
