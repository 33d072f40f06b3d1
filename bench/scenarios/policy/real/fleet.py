"""Four real nodes with a control plane, as `nearfield up` starts them, few slots each."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.scenarios.policy.real.choosers import Site
from bench.scenarios.stage import Stage, staged
from nearfield.cli.targets import Access
from nearfield.client.admin import AdminClient
from nearfield.core.errors import NearfieldError
from nearfield.core.node import NodeView
from nearfield.core.rpc.tls import client_security
from nearfield.local.authority import prepare_tls
from nearfield.local.plan import FleetOptions, FleetPlan, FleetSecrets, write_plan
from nearfield.local.processes import python

POPS = ("fra1", "iad1", "sin1", "nrt1")
SLOTS = 2
"""Of a node: on few cores more of them would make all nodes slow at once, and no queue."""
READY_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Running:
    """The fleet's addresses, its nodes, and how to be let in."""

    control_plane: str
    access: Access
    admin: AdminClient
    sites: tuple[Site, ...]


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Running]:
    """Run the fleet until the block ends; raises ConfigError with the log to read.

    `directory` is an absolute path.
    """
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    tls = prepare_tls(directory / "tls")
    own = FleetSecrets(secrets.token_urlsafe(16), secrets.token_urlsafe(16), tls)
    plan = write_plan(FleetOptions(POPS), directory, own)
    access = Access(client_security(tls.authority), own.token)
    async with staged(directory) as stage, AdminClient(plan.admin, access.security) as admin:
        _spawn(stage, plan)
        sites = await _sites(stage, admin, plan.nodes)
        yield Running(plan.control_plane, access, admin, sites)


def _spawn(stage: Stage, plan: FleetPlan) -> None:
    plane = python("-m", "control_plane", "--config", str(plan.plane_config))
    nodes = python("-m", "node_agent.zygote", *map(str, plan.node_configs))
    stage.spawn("control-plane", plane)
    stage.spawn("nodes", ["env", f"NEARFIELD_NODE_ENGINE__SLOTS={SLOTS}", *nodes])


async def _sites(stage: Stage, admin: AdminClient, names: Sequence[str]) -> tuple[Site, ...]:
    views: dict[str, NodeView] = {}

    async def ready() -> bool:
        with contextlib.suppress(NearfieldError):  # it does not listen yet
            views.update({view.info.name: view for view in await admin.nodes() if view.takes_work})
        return len(views) == len(names)

    await stage.until(ready, "nodes", READY_SECONDS)
    infos = [views[name].info for name in names]
    return tuple(Site(one.name, one.endpoint, one.pop, one.position) for one in infos)
