"""`python -m bench fleet`: one control plane, and ever more nodes."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bench.report.figures import Figure
from bench.scenarios.results import OUT, publish
from bench.scenarios.size.figures import figures, plots
from bench.scenarios.size.nodes import NODES_A_CONNECTION, RELAYED_ABOVE, RELAYS
from bench.scenarios.size.population import KEYS_OF_A_NODE
from bench.scenarios.size.relayed import BUSY_EVERY
from bench.scenarios.size.rounds import CALLERS, WARM_UP_SECONDS, Plan, play
from nearfield.core.errors import InvalidRequest

TITLE = "What a control plane bears as its fleet grows"
SIZES = "100,1000,4300,10000,20000"
NODES_MOST = 100_000
WATCH_SECONDS = 10.0
FLAT_OUT_SECONDS = 5.0


def fleet(
    nodes: Annotated[str, typer.Option(help="sizes of the fleet, one run each")] = SIZES,
    rate: Annotated[float, typer.Option(min=1, help="routes a second")] = 2000.0,
    seconds: Annotated[float, typer.Option(min=1, help="of asking at the rate")] = 20.0,
    seed: Annotated[int, typer.Option(help="of the clients' arrivals")] = 1,
    out: Annotated[Path, typer.Option(help="folder for the results")] = OUT / "fleet",
) -> None:
    """Measure a real control plane under simulated nodes that report and clients that ask.

    It has one core for itself; nodes and clients share the others.
    """
    sizes = read_sizes(nodes)
    plan = Plan(sizes, rate, seconds, WATCH_SECONDS, FLAT_OUT_SECONDS, seed)
    asyncio.run(run_fleet(plan, out))


async def run_fleet(plan: Plan, out: Path) -> Sequence[Figure]:
    """Measure, leave the results in the folder and return the figures; raises NearfieldError."""
    measured = await play(plan, out)
    found = figures(measured)
    details = {"fleets": [asdict(one) for one in measured]}
    publish(out, TITLE, found, plots(measured), {**asdict(plan), **_circumstances()}, details)
    return found


def read_sizes(text: str) -> tuple[int, ...]:
    """Read sizes as they are given, `N[,N...]`; raises InvalidRequest."""
    try:
        sizes = tuple(sorted({int(one) for one in text.split(",")}))
    except ValueError:
        sizes = ()
    if not sizes or sizes[0] < 1 or sizes[-1] > NODES_MOST:
        limit = f"1 to {NODES_MOST}, separated by commas"
        raise InvalidRequest(f"nodes '{text[:80]}' is not {limit}", field="nodes", limit=limit)
    return sizes


def _circumstances() -> dict[str, object]:
    return {
        "up to 5,000 nodes": f"a stream each, {NODES_A_CONNECTION} of them over one connection",
        f"above {RELAYED_ABOVE:,} nodes": (
            f"{RELAYS} streams stand for {RELAYS} relays; one node in {BUSY_EVERY} reports each "
            "second as its work changes, the others their heartbeat"
        ),
        "prefixes": f"{KEYS_OF_A_NODE} keys of each node; a third of the questions bring keys",
        "callers without a rest": CALLERS,
        "warm-up seconds": WARM_UP_SECONDS,
        "bytes in": "gRPC messages and their frames, below TLS",
    }
