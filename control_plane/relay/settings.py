"""Settings of a relay: a TOML file, `NEARFIELD_RELAY_…` variables over it."""

from pydantic_settings import SettingsConfigDict

from nearfield.core.settings import ProcessSettings


class RelaySettings(ProcessSettings):
    """One relay, for one control-plane replica."""

    model_config = SettingsConfigDict(env_prefix="NEARFIELD_RELAY_")

    listen: str = "0.0.0.0:7900"
    """Address of Fleet for the region's nodes, which name it among their `control_planes`."""
    control_plane: str
    """host:port of the replica."""
