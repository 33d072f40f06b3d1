"""`python -m node_agent --config FILE`: one node."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nearfield.core.lifecycle import exit_on_config_error
from node_agent.process import run
from node_agent.settings import NodeSettings
from node_agent.successor import Successor

SERVE = "--serve"


def main() -> None:
    """Read the settings and run; a node that is to serve another model begins anew with it."""
    parser = argparse.ArgumentParser(prog="node_agent", description=__doc__)
    parser.add_argument("--config", type=Path, help="settings in TOML")
    parser.add_argument(SERVE, default="", metavar="NAME", help="which of its models to serve")
    arguments = parser.parse_args()
    settings = NodeSettings.load(arguments.config)
    successor = Successor()
    end = run(settings.serving(arguments.serve), successor)
    if end.serve:
        successor.execute(command_to_serve(sys.executable, sys.orig_argv, end.serve))
    sys.exit(end.status)


def command_to_serve(executable: str, command: Sequence[str], model: str) -> list[str]:
    """Return this process's command line with another model to serve."""
    rest = list(command[1:])
    if rest[-2:-1] == [SERVE]:
        del rest[-2:]
    return [executable, *rest, SERVE, model]


if __name__ == "__main__":
    exit_on_config_error(main)
