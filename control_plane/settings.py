"""Settings of a control-plane replica: a TOML file, `NEARFIELD_PLANE_…` variables over it."""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from nearfield.core.settings import ProcessSettings, Section

TENANT_NAME = re.compile(r"[a-z0-9-]{1,63}")
TOKEN_LEAST = 16
"""Characters: too many to guess over a network."""


class TenantSettings(Section):
    """One whose clients the fleet answers."""

    token: str = Field(min_length=TOKEN_LEAST)
    """Proves the name, so it is as secret as a password."""
    group: str = ""
    """A named trust group whose members share cached prefixes; empty: none."""


class DirectorySettings(Section):
    """Where membership and desired state are kept."""

    consul: str = ""
    """host:port of a Consul agent; empty uses the embedded directory."""
    consul_token: str = ""
    """ACL token; better in NEARFIELD_PLANE_DIRECTORY__CONSUL_TOKEN than in a file."""
    file: Path | None = None
    """Snapshot of the embedded directory; without one a restart forgets desired states."""


class PlaneSettings(ProcessSettings):
    """One replica."""

    model_config = SettingsConfigDict(env_prefix="NEARFIELD_PLANE_")

    listen: str = "0.0.0.0:7700"
    """Address of Routing and Fleet, for clients and nodes; port 0 takes a free one."""
    admin_listen: str = "127.0.0.1:7701"
    """Address of Admin, for operators."""
    join_token: str
    """The fleet's shared secret; better in NEARFIELD_PLANE_JOIN_TOKEN than in a file."""
    directory: DirectorySettings = DirectorySettings()
    tenants: dict[str, TenantSettings] = Field(default_factory=dict)
    """By name: 1 to 63 of a-z, 0-9 and -."""
    anonymous: str = ""
    """The tenant that clients without a token get; empty refuses them."""

    @field_validator("tenants")
    @classmethod
    def _check_tenants(cls, tenants: dict[str, TenantSettings]) -> dict[str, TenantSettings]:
        for name in tenants:
            _check_name(name)
        _check_tokens_differ(tenants)
        return tenants

    @field_validator("anonymous")
    @classmethod
    def _check_anonymous(cls, name: str) -> str:
        if name:
            _check_name(name)
        return name


def _check_name(name: str) -> None:
    if not TENANT_NAME.fullmatch(name):
        raise ValueError(f"tenant name '{name}' is not 1 to 63 of a-z, 0-9 and -")


def _check_tokens_differ(tenants: Mapping[str, TenantSettings]) -> None:
    owners: dict[str, str] = {}
    for name, tenant in tenants.items():
        other = owners.setdefault(tenant.token, name)
        if other != name:
            raise ValueError(f"tenants '{other}' and '{name}' share a token")
