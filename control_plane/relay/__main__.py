"""`python -m control_plane.relay --config FILE`: one relay."""

import argparse
import asyncio
from pathlib import Path

from control_plane.relay.bootstrap import run_relay
from control_plane.relay.settings import RelaySettings
from nearfield.core.lifecycle import configure_logging, exit_on_config_error


def main() -> None:
    """Read the settings and run."""
    parser = argparse.ArgumentParser(prog="relay", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML")
    settings = RelaySettings.load(parser.parse_args().config)
    configure_logging("relay", settings.log_level)
    asyncio.run(run_relay(settings))


if __name__ == "__main__":
    exit_on_config_error(main)
