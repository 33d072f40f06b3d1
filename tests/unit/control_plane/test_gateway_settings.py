"""A gateway's settings."""

import pytest

from control_plane.gateway.settings import GatewaySettings
from nearfield.core.errors import ConfigError
from nearfield.core.settings import position


def test_a_gateway_needs_a_control_plane_alone() -> None:
    settings = GatewaySettings.build({"control_plane": "127.0.0.1:7700"})
    assert settings.listen == "0.0.0.0:7800"
    assert settings.position == ""
    assert settings.token == ""


def test_a_gateway_without_a_control_plane_cannot_start() -> None:
    with pytest.raises(ConfigError) as caught:
        GatewaySettings.build({})
    assert caught.value.field == "control_plane"


def test_the_environment_sets_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARFIELD_GATEWAY_CONTROL_PLANE", "10.0.0.1:7700")
    assert GatewaySettings.build({}).control_plane == "10.0.0.1:7700"


@pytest.mark.parametrize("text", ["here", "91,0", "0,181", "nan,0", "1,2,3"])
def test_a_position_that_is_none_stops_it(text: str) -> None:
    with pytest.raises(ConfigError):
        position(text)
