"""A whole node in this process, with a simulated engine, that joins a control plane."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from nearfield.core.settings import TelemetrySettings
from nearfield.core.telemetry import Telemetry
from nearfield.local.places import POPS
from nearfield.local.ports import HOST, free_ports
from node_agent.bootstrap import build_agent
from node_agent.engine.simulated import SimulatedEngine
from node_agent.hardware.host import HostProbe
from node_agent.settings import NodeSettings
from tests.support.plane_builders import TOKEN


def joining_settings(control_plane: str, pop: str = "fra1", **changes: Any) -> NodeSettings:
    """Return settings of a node at a PoP that joins a control plane."""
    where = POPS[pop].position
    values: dict[str, Any] = {
        "name": f"{pop}-1",
        "pop": pop,
        "position": f"{where.latitude},{where.longitude}",
        "jurisdiction": POPS[pop].jurisdiction,
        "listen": f"{HOST}:{free_ports(1)[0]}",
        "control_planes": (control_plane,),
        "join_token": TOKEN,
        "drain_seconds": 5.0,
        "tls": {"plaintext": True},
    }
    return NodeSettings.build({**values, **changes})


async def run_node(settings: NodeSettings, engine: SimulatedEngine, stop: asyncio.Event) -> None:
    """Run it until `stop`; raises what ends it before."""
    with Telemetry(TelemetrySettings(), {}) as telemetry:
        await build_agent(settings, engine, HostProbe(), telemetry).run(stop)


@asynccontextmanager
async def running_node(
    control_plane: str, pop: str = "fra1", engine: SimulatedEngine | None = None, **changes: Any
) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a node until the block ends; yields its run."""
    settings = joining_settings(control_plane, pop, **changes)
    stop = asyncio.Event()
    run = asyncio.create_task(run_node(settings, engine or SimulatedEngine(), stop))
    try:
        yield run
    finally:
        stop.set()
        with suppress(Exception):  # a test that wants to know awaits the run itself
            await run
