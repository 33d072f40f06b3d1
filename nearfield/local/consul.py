"""A Consul for the local fleet: the one that answers already, else a development agent."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from nearfield.core.errors import ConfigError
from nearfield.local import processes
from nearfield.local.ports import HOST, free_ports, is_free

ADDRESS = "127.0.0.1:8500"
"""Where `consul` commands look by default."""
DNS_PORT = 8600
_READY_SECONDS = 20.0


def address() -> str:
    """Return the agent's address: CONSUL_HTTP_ADDR as Consul's own commands read it."""
    return os.environ.get("CONSUL_HTTP_ADDR", ADDRESS).removeprefix("http://")


def find_binary() -> str | None:
    """Return the consul binary: on PATH, or where the project's set-up leaves it."""
    project = Path(__file__).resolve().parents[2] / ".nearfield" / "bin" / "consul"
    return shutil.which("consul") or (str(project) if project.exists() else None)


def answers(where: str) -> bool:
    """Whether a Consul with a leader answers there."""
    try:
        with urllib.request.urlopen(f"http://{where}/v1/status/leader", timeout=2) as reply:
            return bool(json.load(reply))
    except (OSError, ValueError, urllib.error.URLError):
        return False


def start_agent(where: str, directory: Path, *, stay: bool) -> "subprocess.Popen[bytes]":
    """Start a development agent and wait until it answers; raises ConfigError."""
    binary = find_binary()
    if binary is None:
        raise ConfigError(
            "no consul binary is found; `make consul` brings one, or start your own and set "
            "CONSUL_HTTP_ADDR",
            field="consul",
        )
    host, _, port = where.rpartition(":")
    server, serf = free_ports(2)
    ports = {
        "http": port,
        "server": server,
        "serf-lan": serf,
        "serf-wan": -1,
        "grpc": -1,
        "dns": DNS_PORT if is_free(DNS_PORT) else -1,
    }
    command = [binary, "agent", "-dev", "-bind", HOST, "-client", host]
    for name, number in ports.items():
        command += [f"-{name}-port", str(number)]
    agent = processes.start(command, directory / "consul.log", stay=stay)
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        if answers(where):
            return agent
        if agent.poll() is not None:
            break
        time.sleep(0.1)
    agent.kill()
    raise ConfigError(
        f"the Consul agent did not start; see {directory / 'consul.log'}", field="consul"
    )
