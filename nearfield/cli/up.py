"""`nearfield up`: a fleet on this machine."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer

from nearfield.cli.nodes import nodes_table
from nearfield.cli.output import Format, Output, console, print_json
from nearfield.cli.progress import Steps
from nearfield.client.admin import AdminClient
from nearfield.core.errors import ConfigError
from nearfield.core.lifecycle import stop_event
from nearfield.core.node import NodeView
from nearfield.local import consul as local_consul
from nearfield.local import state
from nearfield.local.fleet import LocalFleet
from nearfield.local.plan import FleetOptions
from nearfield.local.state import FleetState

DEFAULT_POPS = "fra1,iad1,sin1"
BASE_PORT = 7700


@dataclass(frozen=True, slots=True)
class Started:
    """What `up -o json` prints."""

    fleet: FleetState
    nodes: tuple[NodeView, ...]


def up(
    pops: Annotated[str, typer.Option(help="codes, one node each; repeat one for more")] = (
        DEFAULT_POPS
    ),
    model: Annotated[str, typer.Option(help="a Hugging Face directory or hub name")] = "demo",
    consul: Annotated[bool, typer.Option("--consul", help="register nodes in Consul")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="return once it is healthy")] = False,
    no_wan: Annotated[bool, typer.Option("--no-wan", help="do not emulate distance")] = False,
    port: Annotated[int, typer.Option(help="first port; 0 takes free ones")] = BASE_PORT,
    otlp: Annotated[str, typer.Option(help="OTLP endpoint for traces and metrics")] = "",
    output: Output = Format.TEXT,
) -> None:
    """Start a control plane, a gateway and a node in each PoP, and wait until they are healthy.

    `--consul` uses the agent at CONSUL_HTTP_ADDR, 127.0.0.1:8500 by default, and starts a
    development agent there if none answers.
    """
    if state.load() is not None:
        raise ConfigError("a local fleet runs already; `nearfield down` ends it", field="up")
    options = FleetOptions(
        pops=tuple(code.strip() for code in pops.split(",") if code.strip()),
        model=model,
        consul=local_consul.address() if consul else "",
        base_port=port,
        wan=not no_wan,
        stay=detach,
        telemetry=otlp,
    )
    asyncio.run(_up(options, output))


async def _up(options: FleetOptions, output: Format) -> None:
    stop = stop_event()
    fleet = LocalFleet(options, state.home() / "run")
    try:
        with Steps() as progress:
            started = await _start_or_stop(fleet, progress, stop)
        if started is None:
            return
        state.save(started)
        await _show(started, output)
        if not options.stay:
            if output is Format.TEXT:
                console.print("\nCtrl-C ends the fleet.")
            await stop.wait()
    except BaseException:
        fleet.stop()
        state.clear()
        raise
    if not options.stay:
        fleet.stop()
        state.clear()


async def _start_or_stop(
    fleet: LocalFleet, progress: Steps, stop: asyncio.Event
) -> FleetState | None:
    """Start; None where the user stopped it first."""
    starting = asyncio.create_task(fleet.start(progress))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if starting.done():
        return starting.result()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    fleet.stop()
    return None


async def _show(started: FleetState, output: Format) -> None:
    async with AdminClient(started.admin, started.trust) as admin:
        nodes = await admin.nodes()
    if output is Format.JSON:
        print_json(Started(started, nodes))
        return
    console.print(nodes_table(nodes))
    console.print(f"\ncontrol plane {started.control_plane}   admin {started.admin}")
    console.print(f"gateway       {started.gateway}   logs  {started.logs}")
    console.print(f"authority     {started.authority}   (programs: NEARFIELD_AUTHORITY)")
    console.print(f"token         {started.token}   (programs: NEARFIELD_TOKEN)")
    if started.consul:
        console.print(f"consul        {started.consul}")
    if started.wan:
        console.print("distance is emulated for clients that say where they are (--near)")
    console.print('\ntry: nearfield generate "What is an edge node?" --near 48.86,2.35')
