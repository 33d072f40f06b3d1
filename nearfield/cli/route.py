"""`nearfield route explain`: why each candidate stands where it stands."""

import asyncio
from typing import Annotated

import typer

from nearfield.cli.output import Format, Output, console, milliseconds, print_json, table
from nearfield.cli.targets import Near, Target, control_plane, origin
from nearfield.client.client import Client
from nearfield.core.route import ExplainedNode, RouteQuery

app = typer.Typer(help="How requests are routed.", no_args_is_help=True)
COLUMNS = (
    "rank",
    "node",
    "pop",
    "distance km",
    "round trip ms",
    "queue ms",
    "prefill ms",
    "TTFT ms",
    "why",
)


@app.callback()
def _route() -> None:
    """How requests are routed."""


@app.command("explain")
def explain(
    near: Near = "",
    model: Annotated[str, typer.Option(help="by default the fleet's only one")] = "",
    jurisdiction: Annotated[
        list[str] | None, typer.Option(help="allowed one; repeat for more")
    ] = None,
    target: Target = "",
    output: Output = Format.TEXT,
) -> None:
    """Show how a request from a place would be routed, in milliseconds and words."""
    query = RouteQuery(model, origin(near), tuple(jurisdiction or ()))
    asyncio.run(_explain(control_plane(target), query, output))


async def _explain(target: str, query: RouteQuery, output: Format) -> None:
    async with Client(target) as client:
        explanation = await client.explain(query)
    if output is Format.JSON:
        print_json(explanation)
        return
    title = f"predicted time to first token, model {explanation.model}"
    console.print(table(title, COLUMNS, [_row(node) for node in explanation.nodes]))


def _row(node: ExplainedNode) -> tuple[str, ...]:
    candidate, terms = node.candidate, node.candidate.prediction
    numbers = (terms.round_trip.seconds, terms.queue, terms.base, terms.ttft)
    excluded = bool(node.excluded_by)
    return (
        "-" if excluded else str(node.rank),
        candidate.node,
        candidate.pop,
        f"{node.distance_km:.0f}",
        *("-" if excluded else milliseconds(value) for value in numbers),
        node.reason,
    )
