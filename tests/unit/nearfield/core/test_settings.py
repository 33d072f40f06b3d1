from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from nearfield.core.errors import ConfigError
from nearfield.core.geo import Position
from nearfield.core.rpc.tls import LOOPBACK, PLAINTEXT, CertificateFiles, ClientTls, ServerTls
from nearfield.core.settings import ProcessSettings, Section, TlsSettings, position
from nearfield.local.authority import prepare_tls


class Cache(Section):
    tokens: int = 1024


class AppSettings(ProcessSettings):
    model_config = SettingsConfigDict(env_prefix="NEARFIELD_TEST_")

    listen: str
    peers: tuple[str, ...] = ()
    cache: Cache = Cache()


def write(folder: Path, text: str) -> Path:
    path = folder / "app.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_alone_is_enough(tmp_path: Path) -> None:
    made = AppSettings.load(write(tmp_path, 'listen = "a:1"\n[cache]\ntokens = 7'))
    assert (made.listen, made.cache.tokens, made.log_level) == ("a:1", 7, "INFO")
    assert (made.telemetry.otlp_endpoint, made.telemetry.prometheus_port) == ("", -1)


def test_the_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARFIELD_TEST_LISTEN", "env:1")
    assert AppSettings.load(None).listen == "env:1"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEARFIELD_TEST_LISTEN", "env:1")
    assert AppSettings.load(write(tmp_path, 'listen = "file:1"')).listen == "env:1"


def test_a_nested_variable_changes_one_key_of_a_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEARFIELD_TEST_TELEMETRY__PROMETHEUS_PORT", "9100")
    text = 'listen = "a:1"\n[telemetry]\notlp_endpoint = "http://c:4317"'
    telemetry = AppSettings.load(write(tmp_path, text)).telemetry
    assert (telemetry.otlp_endpoint, telemetry.prometheus_port) == ("http://c:4317", 9100)


def test_a_list_in_the_environment_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARFIELD_TEST_PEERS", '["a:1", "b:2"]')
    assert AppSettings.build({"listen": "a:1"}).peers == ("a:1", "b:2")


@pytest.mark.parametrize(
    ("values", "key", "word"),
    [
        ({}, "listen", "is missing"),
        ({"listen": "a:1", "listne": "b:1"}, "listne", "is not known"),
        ({"listen": 7}, "listen", "valid string"),
        ({"listen": "a:1", "cache": {"tokens": "many"}}, "cache.tokens", "valid integer"),
        ({"listen": "a:1", "cache": {"tokns": 1}}, "cache.tokns", "is not known"),
        ({"listen": "a:1", "telemetry": 3}, "telemetry", "TelemetrySettings"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(
    values: dict[str, object], key: str, word: str
) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        AppSettings.build(values)
    assert caught.value.field == key
    assert f"'{key}'" in caught.value.message


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("NEARFIELD_TEST_CACHE__TOKENS", "many", "cache.tokens"),
        ("NEARFIELD_TEST_CACHE__TOKNS", "1", "cache.tokns"),
        ("NEARFIELD_TEST_PEERS", "a:1,b:2", "peers"),
        ("NEARFIELD_TEST_CACHE", "nonsense", "cache"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_key(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, key: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=key) as caught:
        AppSettings.build({"listen": "a:1"})
    assert caught.value.field == key


@pytest.mark.parametrize("text", ["listen = ", "listen: a", "\x00"])
def test_a_file_that_is_no_toml_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"app\.toml") as caught:
        AppSettings.load(write(tmp_path, text))
    assert caught.value.field == "config"


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml"):
        AppSettings.load(tmp_path / "gone.toml")


def test_a_file_that_is_no_text_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "app.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"app\.toml"):
        AppSettings.load(tmp_path / "app.toml")


def test_a_position_is_a_setting_too() -> None:
    assert position("50.11,8.68") == Position(50.11, 8.68)


@pytest.mark.parametrize(("text", "field"), [("here", "position"), ("91,0", "latitude")])
def test_a_position_that_is_none_stops_the_process(text: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        position(text)
    assert caught.value.field == field
    assert caught.value.limit


def test_a_process_shows_its_certificate_and_trusts_its_authority(tmp_path: Path) -> None:
    files = prepare_tls(tmp_path)
    text = f'listen = "a:1"\n[tls]\ncertificate = "{files.certificate}"\nkey = "{files.key}"\n'
    tls = AppSettings.load(write(tmp_path, f'{text}authority = "{files.authority}"')).tls
    assert tls.server_security("0.0.0.0:7600") == ServerTls(
        files.certificate.read_bytes(),
        files.key.read_bytes(),
        CertificateFiles(files.certificate, files.key),
    )
    assert tls.client_security() == ClientTls(files.authority.read_bytes())


def test_the_systems_authorities_are_trusted_where_none_is_named() -> None:
    assert TlsSettings().client_security() == ClientTls()


@pytest.mark.parametrize(
    ("tls", "field"),
    [
        (TlsSettings(), "tls.certificate"),
        (TlsSettings(key=Path("server.key")), "tls.certificate"),
        (TlsSettings(certificate=Path("server.pem")), "tls.key"),
    ],
)
def test_serving_without_a_certificate_says_what_to_set(tls: TlsSettings, field: str) -> None:
    with pytest.raises(
        ConfigError, match=r"set tls\.certificate and tls\.key, or .* true"
    ) as caught:
        tls.server_security("127.0.0.1:7600")
    assert (caught.value.field, caught.value.limit) == (field, "a PEM file")


def test_the_switch_is_plain_text_both_ways_and_on_loopback_alone() -> None:
    tls = TlsSettings(plaintext=True)
    assert tls.server_security("127.0.0.1:7600") == tls.client_security() == PLAINTEXT
    with pytest.raises(ConfigError) as caught:
        tls.server_security("0.0.0.0:7600")
    assert (caught.value.field, caught.value.limit) == ("tls.plaintext", LOOPBACK)
