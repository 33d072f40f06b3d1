"""Settings of a gateway: a TOML file, `NEARFIELD_GATEWAY_…` variables over it."""

from pydantic_settings import SettingsConfigDict

from nearfield.core.settings import ProcessSettings


class GatewaySettings(ProcessSettings):
    """One gateway."""

    model_config = SettingsConfigDict(env_prefix="NEARFIELD_GATEWAY_")

    listen: str = "0.0.0.0:7800"
    """Address of Inference for thin clients; port 0 takes a free one."""
    control_plane: str
    """host:port of the control plane."""
    token: str = ""
    """The tenant in whose name it asks; better in NEARFIELD_GATEWAY_TOKEN than in a file."""
    position: str = ""
    """LAT,LON of the gateway itself, which opens the streams; empty: not known."""
