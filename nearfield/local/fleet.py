"""Starts a fleet on this machine, waits until it is healthy, and ends it."""

import asyncio
import contextlib
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from nearfield.client.admin import AdminClient
from nearfield.core.errors import ConfigError, NearfieldError
from nearfield.core.node import NodeView
from nearfield.core.rpc.tls import client_security
from nearfield.local import consul, processes
from nearfield.local.authority import prepare_tls
from nearfield.local.places import CONTROL_PLANE
from nearfield.local.plan import FleetOptions, FleetPlan, FleetSecrets, write_plan
from nearfield.local.processes import ProcessId
from nearfield.local.state import FleetState

READY_SECONDS = 300.0
"""A cold disk reads gigabytes of libraries on the very first start."""
Progress = Callable[[str, int, int], None]
"""Called with what is being waited for, and how much of it is done and meant to be."""


class LocalFleet:
    """The processes of one fleet; ends them all, however far it got."""

    def __init__(self, options: FleetOptions, directory: Path) -> None:
        self._options = options
        self._directory = directory
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self, progress: Progress) -> FleetState:
        """Start every process and wait for health; raises ConfigError with the log to read."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._options.consul and not consul.answers(self._options.consul):
            progress("starting Consul", 0, 1)
            self._children["consul"] = consul.start_agent(
                self._options.consul, self._directory, stay=self._options.stay
            )
        own = FleetSecrets(
            join_token=secrets.token_urlsafe(16),
            token=secrets.token_urlsafe(16),
            tls=prepare_tls(self._directory.absolute() / "tls"),
        )
        plan = write_plan(self._options, self._directory, own)
        self._spawn("control-plane", "control_plane", "--config", str(plan.plane_config))
        self._spawn("nodes", "node_agent.zygote", *map(str, plan.node_configs))
        self._spawn("gateway", "control_plane.gateway", "--config", str(plan.gateway_config))
        await self._wait_until_healthy(plan, own.tls.authority, progress)
        return self._state(plan, own)

    def stop(self) -> None:
        """End every process; twice is once."""
        running = [child for child in self._children.values() if child.poll() is None]
        processes.stop_in_turn([ProcessId.of(child.pid) for child in running])
        for child in running:
            child.wait()
        self._children.clear()

    def _spawn(self, name: str, module: str, *arguments: str) -> None:
        command = processes.python("-m", module, *arguments)
        log = self._directory / f"{name}.log"
        self._children[name] = processes.start(command, log, stay=self._options.stay)

    async def _wait_until_healthy(
        self, plan: FleetPlan, authority: Path, progress: Progress
    ) -> None:
        wanted, trust = len(plan.nodes), client_security(authority)
        async with AdminClient(plan.admin, trust) as admin, asyncio.timeout(READY_SECONDS):
            ready: list[NodeView] = []
            while len(ready) < wanted:
                progress("starting nodes", len(ready), wanted)
                self._check_running()
                await asyncio.sleep(0.1)
                with contextlib.suppress(NearfieldError):  # it does not listen yet
                    ready = [view for view in await admin.nodes() if view.takes_work]
        progress("starting nodes", wanted, wanted)

    def _check_running(self) -> None:
        for name, child in self._children.items():
            if child.poll() is not None:
                log = self._directory / f"{name}.log"
                raise ConfigError(
                    f"{name} ended with status {child.returncode}; {log} ends with:\n{_tail(log)}",
                    field=name,
                )

    def _state(self, plan: FleetPlan, own: FleetSecrets) -> FleetState:
        return FleetState(
            control_plane=plan.control_plane,
            admin=plan.admin,
            gateway=plan.gateway,
            wan=self._options.wan,
            position=CONTROL_PLANE.position,
            consul=self._options.consul,
            processes=tuple(ProcessId.of(child.pid) for child in self._children.values()),
            logs=str(self._directory),
            authority=str(own.tls.authority),
            token=own.token,
        )


@asynccontextmanager
async def running_fleet(
    options: FleetOptions, directory: Path, progress: Progress
) -> AsyncIterator[FleetState]:
    """Run a fleet until the block ends, however it ends."""
    fleet = LocalFleet(options, directory)
    try:
        yield await fleet.start(progress)
    finally:
        await asyncio.to_thread(fleet.stop)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
