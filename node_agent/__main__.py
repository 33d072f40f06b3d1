"""`python -m node_agent --config FILE`: one node."""

import argparse
import sys
from pathlib import Path

from nearfield.core.lifecycle import exit_on_config_error
from node_agent.process import run
from node_agent.settings import NodeSettings


def main() -> None:
    """Read the settings and run."""
    parser = argparse.ArgumentParser(prog="node_agent", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML")
    arguments = parser.parse_args()
    sys.exit(run(NodeSettings.load(arguments.config)))


if __name__ == "__main__":
    exit_on_config_error(main)
