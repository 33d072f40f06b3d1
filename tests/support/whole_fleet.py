"""A whole fleet of real processes: control plane, vLLM nodes, gateway, Consul, collector."""

import asyncio
import re
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from nearfield.client.admin import AdminClient
from nearfield.client.client import Client
from nearfield.core.geo import Position
from nearfield.core.node import NodeView
from nearfield.local import processes
from nearfield.local.authority import LocalTls
from nearfield.local.fleet import running_fleet
from nearfield.local.plan import FleetOptions
from nearfield.local.processes import ProcessId
from nearfield.local.state import FleetState
from nearfield.local.wan import WanDialer
from tests.support.collector import Collector, running_collector
from tests.support.consul import ConsulAgent
from tests.support.waiting import until_true

START_SECONDS = 120.0
TENANT_TOKENS = {
    name: f"token-of-{name}-for-tests" for name in ("acme", "globex", "north", "south")
}
"""Tenants beside the fleet's own; north and south trust each other."""
TENANT_SETTINGS = {
    **{f"NEARFIELD_PLANE_TENANTS__{name}__TOKEN": token for name, token in TENANT_TOKENS.items()},
    **{f"NEARFIELD_PLANE_TENANTS__{name}__GROUP": "poles" for name in ("north", "south")},
}


@dataclass
class WholeFleet:
    """What runs, and how to look at it from outside."""

    state: FleetState
    admin: AdminClient
    consul: ConsulAgent
    collector: Collector
    folder: Path
    restarted: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def tls(self) -> LocalTls:
        """The certificate that every process of the fleet shows."""
        folder = Path(self.state.authority).parent
        return LocalTls(folder / "authority.pem", folder / "server.pem", folder / "server.key")

    def client(self, **changes: Any) -> Client:
        """Return a client that is let in and has asked nothing yet."""
        state = self.state
        return Client(state.control_plane, token=state.token, security=state.trust, **changes)

    @asynccontextmanager
    async def client_at(self, place: Position) -> AsyncIterator[Client]:
        """Open a client that is as far from each node as the map says: on loopback all are near."""
        async with (
            WanDialer(place, self.state.position) as dialer,
            self.client(dialer=dialer) as client,
        ):
            yield client

    async def node(self, name: str) -> NodeView:
        """Return a node as operators see it."""
        return await self.admin.node(name)

    async def wait_for_work(self, name: str) -> None:
        """Wait until a node takes work."""
        await until_true(
            lambda: self.node(name), lambda view: view.takes_work, seconds=START_SECONDS
        )

    async def check(self, name: str) -> str:
        """Return the status of a node's check in Consul."""
        (check,) = self.consul.get(f"/v1/health/node/{name}")
        return str(check["Status"])

    async def checks(self) -> dict[str, str]:
        """Return the status of every node's check in Consul."""
        names = [view.info.name for view in await self.admin.nodes()]
        return {name: await self.check(name) for name in names}

    async def process(self, name: str) -> psutil.Process:
        """Return the process that listens on a node's endpoint."""
        port = int((await self.node(name)).info.endpoint.rpartition(":")[2])
        return next(one for one in self.family() if port in _ports(one))

    def restart(self, name: str) -> None:
        """Start a node again as its supervisor would: the agent alone, on the same settings."""
        command = processes.python(
            "-m", "node_agent", "--config", str(self.folder / f"node-{name}.toml")
        )
        log = self.folder / f"restarted-{name}.log"
        self.restarted.append(processes.start(command, log, stay=False))

    def stop_restarted(self) -> None:
        """End what `restart` started."""
        processes.stop([ProcessId.of(child.pid) for child in self.restarted])
        for child in self.restarted:
            child.wait()

    def family(self) -> list[psutil.Process]:
        """Return every process of the fleet, children of children included."""
        ids = (*self.state.processes, *(ProcessId.of(child.pid) for child in self.restarted))
        roots = [process for one in ids if (process := one.find()) is not None]
        return [one for root in roots for one in (root, *root.children(recursive=True))]

    async def routes_answered(self) -> int:
        """Return how many routes the control plane has answered, by its own metrics."""
        return await self.metric("nearfield_route_duration_seconds_count")

    async def metric(self, name: str) -> int:
        """Return the sum over a counter of the control plane's own metrics."""
        known = {self.state.control_plane, self.state.admin}
        plane = next(one for one in self.family() if self._public_port in _ports(one))
        others = _ports(plane) - {int(address.rpartition(":")[2]) for address in known}
        text = await asyncio.to_thread(_read, f"http://127.0.0.1:{others.pop()}/metrics")
        counts = re.findall(rf"^{name}.* (\S+)$", text, re.MULTILINE)
        return int(sum(float(count) for count in counts))

    @property
    def _public_port(self) -> int:
        return int(self.state.control_plane.rpartition(":")[2])


@asynccontextmanager
async def whole_fleet(pops: tuple[str, ...], folder: Path) -> AsyncIterator[WholeFleet]:
    """Run a fleet until the block ends, and see that no process of it is left."""
    async with AsyncExitStack() as stack:
        consul = stack.enter_context(ConsulAgent(folder / "consul"))
        collector = await stack.enter_async_context(running_collector())
        options = FleetOptions(pops, consul=consul.address, telemetry=collector.endpoint)
        running = running_fleet(options, folder / "fleet", lambda *_: None)
        async with AsyncExitStack() as until_stopped:
            state = await until_stopped.enter_async_context(running)
            admin = await until_stopped.enter_async_context(AdminClient(state.admin, state.trust))
            fleet = WholeFleet(state, admin, consul, collector, folder / "fleet")
            yield fleet
            family = [ProcessId(one.pid, one.create_time()) for one in fleet.family()]
            # in a thread: a process that ends sends its last spans to the collector in this one
            await asyncio.to_thread(fleet.stop_restarted)
        left = [process for one in family if (process := one.find()) is not None]
        assert left == [], "these outlived their fleet"


def _read(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as page:
        return str(page.read().decode())


def _ports(process: psutil.Process) -> set[int]:
    listening = process.net_connections(kind="tcp")
    return {one.laddr.port for one in listening if one.status == psutil.CONN_LISTEN}
