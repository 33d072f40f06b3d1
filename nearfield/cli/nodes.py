"""`nearfield nodes` and `nearfield node`: the fleet, one line a node."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from nearfield.cli.output import Format, Output, console, print_json, table
from nearfield.cli.targets import AdminTarget, admin, open_admin
from nearfield.core.node import Health, NodeView

COLUMNS = (
    "node",
    "pop",
    "state",
    "run",
    "wait",
    "kv cache %",
    "hits %",
    "model",
    "heard",
    "endpoint",
)
GIB = 1024**3


def nodes(
    watch: Annotated[bool, typer.Option("--watch", help="follow changes until Ctrl-C")] = False,
    admin_target: AdminTarget = "",
    output: Output = Format.TEXT,
) -> None:
    """List the nodes: their state in words, their load, their cache."""
    work = _watch if watch else _list
    with contextlib.suppress(KeyboardInterrupt):  # the usual way to stop watching
        asyncio.run(work(admin(admin_target), output))


def node(name: str, admin_target: AdminTarget = "", output: Output = Format.TEXT) -> None:
    """Show all that is known of one node."""
    asyncio.run(_one(admin(admin_target), name, output))


async def _list(target: str, output: Format) -> None:
    async with open_admin(target) as client:
        views = await client.nodes()
    if output is Format.JSON:
        print_json(views)
    else:
        console.print(nodes_table(views))


async def _watch(target: str, output: Format) -> None:
    async with open_admin(target) as client:
        views: dict[str, NodeView] = {}
        with Live(console=console, auto_refresh=False) as live:
            async for name, view in client.watch():
                if output is Format.JSON:
                    print_json({"name": name, "node": view})
                    continue
                views.pop(name, None)
                if view is not None:
                    views[name] = view
                live.update(nodes_table(views[one] for one in sorted(views)), refresh=True)


async def _one(target: str, name: str, output: Format) -> None:
    async with open_admin(target) as client:
        view = await client.node(name)
    if output is Format.JSON:
        print_json(view)
    else:
        console.print(table("", ("what", "value"), _details(view)))


def state_in_words(view: NodeView) -> str:
    """Return what a node is up to, and why."""
    if view.health is Health.SUSPECT:
        return f"suspect: silent for {view.heard:.0f} s"
    alive = view.health is Health.ALIVE
    word = view.state.value if alive else view.health.value
    return f"{word}: {view.reason}" if view.reason else word


def nodes_table(views: Iterable[NodeView]) -> Table:
    """Return the table of a fleet."""
    return table("", COLUMNS, [_row(view) for view in views])


def _row(view: NodeView) -> tuple[str, ...]:
    info, load = view.info, view.load
    return (
        info.name,
        info.pop,
        state_in_words(view),
        str(load.running),
        str(load.waiting),
        f"{load.kv_cache.usage * 100:.0f}",
        f"{load.kv_cache.hit_rate * 100:.0f}",
        ", ".join(model.name for model in info.models),
        f"{view.heard:.1f} s ago",
        info.endpoint,
    )


def _details(view: NodeView) -> list[tuple[str, str]]:
    info, load, cache = view.info, view.load, view.load.kv_cache
    hardware = load.hardware
    heat = hardware.temperature_celsius
    return [
        ("node", info.name),
        ("state", state_in_words(view)),
        ("pop", f"{info.pop} at {info.position.latitude}, {info.position.longitude}"),
        ("jurisdiction", info.jurisdiction or "not stated"),
        ("endpoint", info.endpoint),
        ("incarnation", info.incarnation),
        *(
            ("model", f"{one.name}, {one.context_tokens} tokens, {one.digest}")
            for one in info.models
        ),
        (
            "hardware",
            f"{info.hardware.accelerator}, {info.hardware.cpu} ({info.hardware.cpu_cores} cores)",
        ),
        (
            "utilisation",
            f"{hardware.utilisation * 100:.0f} %"
            + (f", {heat:.0f} °C" if heat is not None else ""),
        ),
        (
            "memory",
            f"{hardware.memory_used_bytes / GIB:.1f} of "
            f"{hardware.memory_total_bytes / GIB:.1f} GiB",
        ),
        (
            "requests",
            f"{load.running} running, {load.waiting} waiting "
            f"({load.waiting_prompt_tokens} prompt tokens), {load.slots} slots",
        ),
        (
            "rates",
            f"prefill {load.prefill_tokens_per_second:.0f}, "
            f"decode {load.decode_tokens_per_second:.0f} tokens/s",
        ),
        (
            "kv cache",
            f"{cache.usage * 100:.0f} % of {cache.capacity_tokens} tokens, "
            f"blocks of {cache.block_tokens}",
        ),
        (
            "prefix cache",
            f"{cache.hit_tokens} of {cache.query_tokens} tokens hit, "
            f"{cache.evicted_blocks} blocks evicted, cleared {cache.cleared} times",
        ),
        (
            "desired",
            f"{view.desired.intake} (revision {view.desired.revision}, "
            f"{view.applied_revision} applied)",
        ),
        ("heard", f"{view.heard:.1f} s ago"),
    ]
