"""A replica's settings."""

from pathlib import Path

import pytest

from control_plane.bootstrap import build_directory
from control_plane.directory.consul import ConsulDirectory
from control_plane.directory.memory import MemoryDirectory
from control_plane.settings import DirectorySettings, PlaneSettings
from nearfield.core.errors import ConfigError

TOML = """
join_token = "secret"
listen = "127.0.0.1:1"

[directory]
consul = "127.0.0.1:8500"
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "plane.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_sets_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    settings = PlaneSettings.load(_file(tmp_path, TOML))
    assert (settings.join_token, settings.listen) == ("secret", "127.0.0.1:1")
    assert settings.directory.consul == "127.0.0.1:8500"
    assert settings.directory.file is None


def test_admin_listens_on_loopback_unless_told_otherwise() -> None:
    assert PlaneSettings.build({"join_token": "secret"}).admin_listen == "127.0.0.1:7701"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEARFIELD_PLANE_JOIN_TOKEN", "from outside")
    monkeypatch.setenv("NEARFIELD_PLANE_DIRECTORY__CONSUL_TOKEN", "acl")
    settings = PlaneSettings.load(_file(tmp_path, TOML))
    assert settings.join_token == "from outside"
    assert settings.directory == DirectorySettings(consul="127.0.0.1:8500", consul_token="acl")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "join_token"),
        ('join_token = "x"\ncolour = 1', "colour"),
        ('join_token = "x"\n[directory]\nzookeeper = "x"', "directory.zookeeper"),
        ('join_token = "x"\nlisten = 7', "listen"),
        ('join_token = "x', "config"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PlaneSettings.load(_file(tmp_path, text))
    assert caught.value.field == field


def test_a_wrong_setting_does_not_show_the_secret_beside_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        PlaneSettings.load(_file(tmp_path, 'join_token = "secret"\ncolour = 1'))
    assert "secret" not in caught.value.message + caught.value.limit


async def test_an_address_chooses_consul_and_none_the_embedded_directory() -> None:
    consul = build_directory(DirectorySettings(consul="127.0.0.1:8500"))
    assert isinstance(consul, ConsulDirectory)
    await consul.aclose()
    assert isinstance(build_directory(DirectorySettings()), MemoryDirectory)
