import pytest

from nearfield.core.errors import ConfigError
from tests.support.node_builders import node_settings

OTHERS = [{"path": "/models/b"}, {"path": "demo", "name": "demo-2"}]


def test_a_node_without_other_models_has_no_choice() -> None:
    assert node_settings().local_model_names == ()


def test_all_models_are_named_with_the_first_one_first_whichever_is_served() -> None:
    settings = node_settings(models=OTHERS)
    for name in ("", "b", "demo-2", "demo", "b"):
        settings = settings.serving(name)
        assert settings.local_model_names == ("demo", "b", "demo-2")
        assert [one.served_name for one in settings.local_models] == ["demo", "b", "demo-2"]
    assert settings.model.path == "/models/b"
    assert settings.serving("demo-2").model.path == "demo"


def test_a_model_it_does_not_have_cannot_be_served() -> None:
    with pytest.raises(ConfigError) as caught:
        node_settings(models=OTHERS).serving("llama")
    assert (caught.value.field, caught.value.limit) == ("serve", "demo, b, demo-2")
    assert node_settings().serving("demo").model.path == "demo"


@pytest.mark.parametrize("models", [[{"path": "demo"}], [*OTHERS, {"path": "/other/b"}]])
def test_two_models_of_one_name_are_refused(models: list[dict[str, str]]) -> None:
    with pytest.raises(ConfigError, match="two local models are named"):
        node_settings(models=models)


def test_more_models_than_a_directory_can_name_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        node_settings(models=[{"path": f"/models/{index}"} for index in range(17)])
    assert caught.value.field == "models"
