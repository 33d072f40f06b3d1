"""Settings of a process: a TOML file, then the environment, then flags; later ones win."""

import re
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from nearfield.core.errors import ConfigError, InvalidRequest
from nearfield.core.geo import Position, parse_position
from nearfield.core.rpc.tls import (
    PLAINTEXT,
    CertificateFiles,
    ClientSecurity,
    ServerSecurity,
    check_plaintext,
    client_security,
)


class Section(BaseModel):
    """A frozen group of settings; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TelemetrySettings(Section):
    """Where traces and metrics go; prompts are never part of either."""

    otlp_endpoint: str = ""
    """OTLP over gRPC, such as `http://collector:4317`; empty sends nothing."""
    prometheus_port: int = -1
    """Port of the Prometheus endpoint on loopback; 0 takes a free one, -1 opens none."""


class TlsSettings(Section):
    """What a process shows to those that dial it, and whom it trusts when it dials others."""

    certificate: Path | None = None
    """PEM of the certificate and what chains it to an authority; read again when it changes."""
    key: Path | None = None
    """PEM of its key, without a password."""
    authority: Path | None = None
    """PEM of the authorities trusted when others are dialled; none takes the system's."""
    plaintext: bool = False
    """No TLS at all; only on loopback, for experiments."""

    def server_security(self, listen: str) -> ServerSecurity:
        """Return how to serve at `listen`; raises ConfigError where nothing is set or right."""
        if self.plaintext:
            check_plaintext(listen, "tls.plaintext")
            return PLAINTEXT
        if self.certificate is None or self.key is None:
            missing = "tls.key" if self.certificate else "tls.certificate"
            raise ConfigError(
                f"there is no certificate to serve {listen} with: set tls.certificate and "
                "tls.key, or on loopback tls.plaintext = true",
                field=missing,
                limit="a PEM file",
            )
        return CertificateFiles(self.certificate, self.key).read()

    def client_security(self) -> ClientSecurity:
        """Return how to dial others; raises ConfigError where the authority cannot be read."""
        return client_security(self.authority, plaintext=self.plaintext)


class ProcessSettings(BaseSettings):
    """The base of every process's settings."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
    )

    tls: TlsSettings = TlsSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file, which arrives as init values."""
        return env_settings, init_settings

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Read `path` and the environment; raises ConfigError naming the key."""
        return cls.build(_read_toml(path) if path is not None else {})

    @classmethod
    def build(cls, values: dict[str, Any]) -> Self:
        """Check `values` with the environment over them; raises ConfigError naming the key."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise _as_config_error(error) from None
        except SettingsError as error:
            raise _as_unreadable(error) from None


def position(text: str) -> Position:
    """Read a setting of the form LAT,LON; raises ConfigError."""
    try:
        return parse_position(text)
    except InvalidRequest as error:
        raise ConfigError(error.message, field=error.field, limit=error.limit) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}", field="config") from None


def _as_unreadable(error: SettingsError) -> ConfigError:
    """A variable for a list or a section that is no JSON; the key is in the text alone."""
    found = re.search(r'field "(\w+)"', str(error))
    key = found[1] if found else "environment"
    return ConfigError(
        f"setting '{key}': its environment variable is not JSON", field=key, limit="JSON"
    )


def _as_config_error(error: ValidationError) -> ConfigError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        message = f"setting '{key}' is not known"
    elif first["type"] == "missing":
        message = f"setting '{key}' is missing"
    else:
        message = f"setting '{key}': {first['msg']}"
    return ConfigError(message, field=key, limit=first["msg"])
