"""Real Consul agents for tests, from PATH or .nearfield/bin (tools/install_consul.py)."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30.0


def consul_binary() -> str:
    """Return the path of a consul binary; raises RuntimeError with the fix."""
    places = (shutil.which("consul"), str(ROOT / ".nearfield/bin/consul"))
    for place in places:
        if place is not None and Path(place).exists():
            return place
    raise RuntimeError("no consul; run: python tools/install_consul.py .nearfield/bin")


@contextmanager
def start_consul(folder: Path) -> Iterator[str]:
    """Run a Consul server that keeps its state in `folder`; yields its HOST:PORT."""
    with ConsulAgent(folder) as agent:
        yield agent.address


class ConsulAgent:
    """One Consul server on free ports of loopback, stopped and started again at will.

    `settings` are added to its configuration, `token` is used by the calls made here.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any] | None = None, token: str = ""
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._token = token
        self._process: subprocess.Popen[bytes] | None = None
        http, server, serf = _free_ports(3)
        self.address = f"127.0.0.1:{http}"
        ports = {"http": http, "server": server, "serf_lan": serf}
        ports |= dict.fromkeys(("serf_wan", "dns", "grpc", "https"), -1)
        config = {
            "server": True,
            "bootstrap_expect": 1,
            "node_name": "consul-server",
            "data_dir": str(folder / "data"),
            "bind_addr": "127.0.0.1",
            "ports": ports,
            "performance": {"raft_multiplier": 1},
            "disable_update_check": True,
            **(settings or {}),
        }
        self._config = folder / "consul.json"
        self._config.write_text(json.dumps(config), encoding="utf-8")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, with the state it had, and wait until it has a leader and lists itself."""
        command = [consul_binary(), "agent", "-config-file", str(self._config)]
        with (self._folder / "consul.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                log_text = (self._folder / "consul.log").read_text(errors="replace")
                raise RuntimeError(f"consul did not start:\n{log_text[-4000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill it, frozen or not; its state stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Leave it connected and silent."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """End `freeze`."""
        self._signal(signal.SIGCONT)

    def request(self, method: str, path: str, body: object = None) -> tuple[Any, int]:
        """Call its HTTP API; returns the answer and its X-Consul-Index."""
        request = urllib.request.Request(
            f"http://{self.address}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", "X-Consul-Token": self._token},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer), int(answer.headers.get("X-Consul-Index", "0"))

    def get(self, path: str) -> Any:
        """Return an answer alone."""
        return self.request("GET", path)[0]

    def cli(self, *arguments: str) -> str:
        """Return what the `consul` command prints."""
        command = [consul_binary(), *arguments]
        where = {"CONSUL_HTTP_ADDR": self.address, "CONSUL_HTTP_TOKEN": self._token}
        environment = {**os.environ, **where}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def wipe(self) -> None:
        """Take out every key and every node but its own."""
        self.request("DELETE", "/v1/kv/?recurse=true")
        for node in self.get("/v1/catalog/nodes"):
            if node["Node"] != "consul-server":
                self.request("PUT", "/v1/catalog/deregister", {"Node": node["Node"]})

    def _ready(self) -> bool:
        try:
            return bool(self.get("/v1/catalog/nodes"))
        except (OSError, ValueError):
            return False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        # all at once, or the same one could be handed out twice
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
