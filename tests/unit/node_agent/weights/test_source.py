import pytest

from node_agent import demo_model
from node_agent.weights.source import resolve, served_name


def test_demo_is_the_model_that_comes_along() -> None:
    assert resolve("demo") == str(demo_model.PATH)


@pytest.mark.parametrize("path", ["/srv/models/demo", "Qwen/Qwen3-0.6B", "./demo"])
def test_any_other_path_stands_as_it_is(path: str) -> None:
    assert resolve(path) == path


@pytest.mark.parametrize(
    ("path", "name", "served"),
    [
        ("/srv/models/qwen3", "", "qwen3"),
        ("/srv/models/qwen3/", "", "qwen3"),
        ("Qwen/Qwen3-0.6B", "", "Qwen3-0.6B"),
        ("demo", "", "demo"),
        ("Qwen/Qwen3-0.6B", "small", "small"),
    ],
)
def test_a_model_is_served_by_its_name_or_the_end_of_its_path(
    path: str, name: str, served: str
) -> None:
    assert served_name(path, name) == served
