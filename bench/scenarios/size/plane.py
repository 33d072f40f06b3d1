"""The control plane under test, as an operator starts it, on a core of its own."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import psutil

from bench.scenarios.fleet import tls_settings, write_settings
from bench.scenarios.size.jobs import Target
from bench.scenarios.stage import Stage
from nearfield.client.admin import AdminClient
from nearfield.core.clock import Clock, monotonic
from nearfield.core.errors import NearfieldError
from nearfield.core.rpc.tls import client_security
from nearfield.local.authority import prepare_tls
from nearfield.local.plan import TENANT
from nearfield.local.ports import HOST, free_ports
from nearfield.local.processes import python


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process used up to a moment: seconds of CPU at seconds of the clock."""

    cpu: float
    at: float

    def share_since(self, before: "Usage") -> float:
        """Return the share of one core used between two moments."""
        return (self.cpu - before.cpu) / (self.at - before.at)


class PlaneProcess:
    """Its process, watched from outside."""

    def __init__(self, pid: int, clock: Clock = monotonic) -> None:
        self._process = psutil.Process(pid)
        self._clock = clock

    def usage(self) -> Usage:
        """Return what it used so far."""
        times = self._process.cpu_times()
        return Usage(float(times.user + times.system), self._clock())

    def resident_bytes(self) -> int:
        """Return the memory it holds."""
        return int(self._process.memory_info().rss)


async def start_plane(stage: Stage, nodes: int) -> tuple[Target, PlaneProcess]:
    """Start a control plane for so many nodes and wait until it answers; raises ConfigError."""
    control_plane, admin = (f"{HOST}:{port}" for port in free_ports(2))
    join_token, token = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    files = prepare_tls(stage.directory.absolute() / "tls")
    config = write_settings(
        stage.directory / "control-plane.toml",
        {
            "listen": control_plane,
            "admin_listen": admin,
            "join_token": join_token,
            f"tenants.{TENANT}.token": token,
            **tls_settings(files),
        },
    )
    with on_first_core():
        pid = stage.spawn("control-plane", python("-m", "control_plane", "--config", str(config)))

    async def answers() -> bool:
        with contextlib.suppress(NearfieldError):  # it does not listen yet
            return await client.nodes() is not None
        return False

    async with AdminClient(admin, client_security(files.authority)) as client:
        await stage.until(answers, "control plane")
    target = Target(control_plane, str(files.authority), join_token, token, nodes)
    return target, PlaneProcess(running_child(pid))


def running_child(pid: int) -> int:
    """Return the process at the end of a line of processes that start one another."""
    while children := psutil.Process(pid).children():
        pid = children[0].pid
    return pid


def on_first_core() -> AbstractContextManager[None]:
    """Bind to one core what is started in the block."""
    return _bound(os.sched_getaffinity(0), slice(0, 1))


def off_first_core() -> AbstractContextManager[None]:
    """Keep what is started in the block off that core, where there is another."""
    return _bound(os.sched_getaffinity(0), slice(1, None))


@contextlib.contextmanager
def _bound(cores: set[int], part: slice) -> Iterator[None]:
    """Children inherit the cores of who starts them, and a process' threads its own."""
    try:
        os.sched_setaffinity(0, sorted(cores)[part] or cores)
        yield
    finally:
        os.sched_setaffinity(0, cores)
