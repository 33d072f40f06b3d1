"""Settings of a control-plane replica: a TOML file, `NEARFIELD_PLANE_…` variables over it."""

from pathlib import Path

from pydantic_settings import SettingsConfigDict

from nearfield.core.settings import ProcessSettings, Section


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
