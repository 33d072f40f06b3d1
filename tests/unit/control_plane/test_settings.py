"""A replica's settings."""

from pathlib import Path

import pytest

from control_plane.bootstrap import build_directory, build_plane
from control_plane.directory.consul import ConsulDirectory
from control_plane.directory.memory import MemoryDirectory
from control_plane.settings import DirectorySettings, PlaneSettings
from nearfield.core.errors import ConfigError
from nearfield.core.settings import TelemetrySettings
from nearfield.core.telemetry import Telemetry

TOKEN = "0123456789abcdef"
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


def plane(**values: object) -> PlaneSettings:
    return PlaneSettings.build({"join_token": "secret", **values})


def test_a_tenant_has_a_token_and_may_be_of_a_group(tmp_path: Path) -> None:
    text = 'join_token = "x"\nanonymous = "guest"\n[tenants.acme-1]\ntoken = "sixteen letters!"\n'
    settings = PlaneSettings.load(_file(tmp_path, f'{text}group = "friends"'))
    assert settings.anonymous == "guest"
    assert settings.tenants["acme-1"].token == "sixteen letters!"
    assert settings.tenants["acme-1"].group == "friends"


def test_without_a_word_there_is_no_tenant_and_nobody_is_let_in_without_a_token() -> None:
    assert (plane().tenants, plane().anonymous) == ({}, "")


def test_a_tenants_token_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARFIELD_PLANE_TENANTS__ACME__TOKEN", TOKEN)
    assert plane().tenants["acme"].token == TOKEN


@pytest.mark.parametrize("name", ["", "Acme", "a_b", "a" * 64, "a b", "é", "a\n"])
def test_a_tenants_name_is_up_to_63_of_a_few_characters(name: str) -> None:
    with pytest.raises(ConfigError, match="1 to 63 of a-z, 0-9 and -") as caught:
        plane(tenants={name: {"token": TOKEN}})
    assert caught.value.field == "tenants"
    if name:
        with pytest.raises(ConfigError, match="1 to 63 of a-z, 0-9 and -") as caught:
            plane(anonymous=name)
        assert caught.value.field == "anonymous"


def test_a_name_of_63_is_a_name() -> None:
    assert list(plane(tenants={"a" * 63: {"token": TOKEN}}).tenants) == ["a" * 63]


def test_a_short_token_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="at least 16 characters") as caught:
        plane(tenants={"acme": {"token": TOKEN[:15]}})
    assert caught.value.field == "tenants.acme.token"
    assert TOKEN[:15] not in caught.value.message + caught.value.limit


def test_two_tenants_with_one_token_are_refused_by_name_and_the_token_is_not_shown() -> None:
    with pytest.raises(ConfigError, match="'acme' and 'globex' share a token") as caught:
        plane(tenants={"acme": {"token": TOKEN}, "globex": {"token": TOKEN}})
    assert caught.value.field == "tenants"
    assert TOKEN not in caught.value.message + caught.value.limit


def test_a_replica_without_a_certificate_does_not_serve() -> None:
    with Telemetry(TelemetrySettings(), {}) as telemetry, pytest.raises(ConfigError) as caught:
        build_plane(plane(), telemetry)
    assert caught.value.field == "tls.certificate"
