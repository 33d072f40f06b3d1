"""`nearfield route explain`: why each candidate stands where it stands."""

import asyncio
from typing import Annotated

import typer

from nearfield.cli.output import Format, Output, console, milliseconds, print_json, table
from nearfield.cli.targets import Near, Target, control_plane, open_client, origin
from nearfield.cli.wishes import (
    CostMost,
    Jurisdictions,
    PreferredProviders,
    Providers,
    constraints,
    preferences,
)
from nearfield.core.prediction import Prediction
from nearfield.core.route import ExplainedNode, RouteQuery

app = typer.Typer(help="How requests are routed.", no_args_is_help=True)
COLUMNS = (
    "rank",
    "node",
    "pop",
    "tier",
    "distance km",
    "connect ms",
    "round trip ms",
    "from",
    "queue ms",
    "base ms",
    "prefill ms",
    "TTFT ms",
    "spread ms",
    "penalty ms",
    "why",
)


@app.callback()
def _route() -> None:
    """How requests are routed."""


@app.command("explain")
def explain(
    near: Near = "",
    model: Annotated[str, typer.Option(help="by default the fleet's only one")] = "",
    jurisdiction: Jurisdictions = None,
    provider: Providers = None,
    cost_most: CostMost = None,
    prefer_provider: PreferredProviders = None,
    prompt_bytes: Annotated[int, typer.Option(min=0, help="size of the prompt")] = 0,
    target: Target = "",
    output: Output = Format.TEXT,
) -> None:
    """Show how a request from a place would be routed, in milliseconds and words."""
    query = RouteQuery(
        model,
        origin(near),
        constraints(jurisdiction, provider, cost_most),
        preferences(prefer_provider),
        prompt_size=prompt_bytes,
    )
    asyncio.run(_explain(control_plane(target), query, output))


async def _explain(target: str, query: RouteQuery, output: Format) -> None:
    async with open_client(target, None, no_wan=True) as client:
        explanation = await client.explain(query)
    if output is Format.JSON:
        print_json(explanation)
        return
    title = f"predicted time to first token, model {explanation.model}"
    console.print(table(title, COLUMNS, [_row(node) for node in explanation.nodes]))


def _row(node: ExplainedNode) -> tuple[str, ...]:
    candidate, excluded = node.candidate, bool(node.excluded_by)
    terms = ("-",) * 9 if excluded else _terms(candidate.prediction)
    return (
        "-" if excluded else str(node.rank),
        candidate.node,
        candidate.pop,
        "-" if excluded else candidate.tier,
        f"{node.distance_km:.0f}",
        *terms,
        node.reason,
    )


def _terms(told: Prediction) -> tuple[str, ...]:
    before = (told.connect, told.round_trip.seconds)
    behind = (told.queue, told.base, told.prefill, told.ttft, told.spread, told.penalty)
    return (*map(milliseconds, before), told.round_trip.source, *map(milliseconds, behind))
