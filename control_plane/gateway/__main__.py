"""`python -m control_plane.gateway --config FILE`: one gateway."""

import argparse
import asyncio
from pathlib import Path

from control_plane.gateway.bootstrap import run_gateway
from control_plane.gateway.settings import GatewaySettings
from nearfield.core.lifecycle import configure_logging, exit_on_config_error


def main() -> None:
    """Read the settings and run."""
    parser = argparse.ArgumentParser(prog="gateway", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML")
    settings = GatewaySettings.load(parser.parse_args().config)
    configure_logging("gateway", settings.log_level)
    asyncio.run(run_gateway(settings))


if __name__ == "__main__":
    exit_on_config_error(main)
