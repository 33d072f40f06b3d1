from pathlib import Path

import pytest

from node_agent.switching import ModelSwitch
from tests.support.node_builders import node_settings


def switch(folder: Path, **changes: object) -> ModelSwitch:
    here, gone = {"path": str(folder), "name": "b"}, {"path": str(folder / "gone"), "name": "c"}
    return ModelSwitch.of(node_settings(**{"models": [here, gone], **changes}))


@pytest.mark.parametrize("wanted", ["", "demo"])
def test_the_model_that_is_served_asks_for_nothing(tmp_path: Path, wanted: str) -> None:
    one = switch(tmp_path)
    assert one.follow(wanted) == ""
    assert not one.asked.is_set()


def test_another_local_model_is_asked_for(tmp_path: Path) -> None:
    one = switch(tmp_path)
    assert one.follow("b") == ""
    assert one.asked.is_set()
    assert one.model == "b"


def test_the_last_word_holds_even_where_it_leads_back(tmp_path: Path) -> None:
    one = switch(tmp_path)
    one.follow("b")
    assert one.follow("") == ""
    assert one.asked.is_set()
    assert one.model == "demo"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("llama", "cannot serve 'llama', its models are demo, b, c"),
        ("c", "cannot serve 'c', there is nothing at {}"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path: Path, wanted: str, why: str) -> None:
    one = switch(tmp_path)
    assert one.follow(wanted) == why.format(tmp_path / "gone")
    assert not one.asked.is_set()


def test_an_empty_wish_leads_from_another_model_to_that_of_the_set_up(tmp_path: Path) -> None:
    settings = node_settings(models=[{"path": str(tmp_path), "name": "b"}]).serving("b")
    one = ModelSwitch.of(settings)
    assert one.follow("b") == ""
    assert not one.asked.is_set()
    assert one.follow("") == ""
    assert one.model == "demo"


def test_a_node_of_one_model_refuses_every_other() -> None:
    one = ModelSwitch("simulated")
    assert one.follow("") == ""
    assert one.follow("llama") == "cannot serve 'llama', its models are simulated"
    assert not one.asked.is_set()


def test_a_name_on_the_hub_is_taken_on_trust() -> None:
    settings = node_settings(models=[{"path": "Qwen/Qwen3-0.6B"}])
    assert ModelSwitch.of(settings).follow("Qwen3-0.6B") == ""
