"""`nearfield models`: what the fleet serves, and how much of it there is to be."""

import asyncio
from typing import Annotated

import typer

from nearfield.cli.output import Format, Output, console, print_json, table
from nearfield.cli.targets import AdminTarget, admin, open_admin
from nearfield.core.node import ServedModel
from nearfield.core.policy import ModelPolicy

app = typer.Typer(help="The models of the fleet.", invoke_without_command=True)
COLUMNS = ("model", "context", "digest", "takes work on", "other nodes", "could serve", "policy")
NOT_DURABLE = "the directory is away: this holds in memory and is not durable yet"

Pops = Annotated[
    list[str] | None, typer.Option("--pop", help="a PoP it is for; repeat for more, none is all")
]


@app.callback()
def models(
    context: typer.Context, admin_target: AdminTarget = "", output: Output = Format.TEXT
) -> None:
    """List the models: who serves them, who could, and how many nodes are to."""
    if context.invoked_subcommand is None:
        asyncio.run(_list(admin(admin_target), output))


@app.command("set")
def set_model(
    model: Annotated[str, typer.Argument(help="the model's name")],
    minimum: Annotated[int, typer.Option("--min", min=0, help="nodes at least")] = 1,
    maximum: Annotated[int, typer.Option("--max", min=0, help="nodes at most; 0: no limit")] = 0,
    pop: Pops = None,
    admin_target: AdminTarget = "",
    output: Output = Format.TEXT,
) -> None:
    """Say how many nodes are to serve a model, and where."""
    policy = ModelPolicy(model, tuple(pop or ()), minimum, maximum)
    asyncio.run(_set(admin(admin_target), policy, output))


async def _list(target: str, output: Format) -> None:
    async with open_admin(target) as client:
        served = await client.models()
    if output is Format.JSON:
        print_json(served)
    else:
        console.print(table("", COLUMNS, [_row(model) for model in served]))


async def _set(target: str, policy: ModelPolicy, output: Format) -> None:
    async with open_admin(target) as client:
        revision, durable = await client.set_model(policy)
    if output is Format.JSON:
        print_json({"policy": policy, "revision": revision, "durable": durable})
        return
    console.print(f"{policy.model}: {in_words(policy)} (revision {revision})")
    if not durable:
        console.print(NOT_DURABLE)


def in_words(policy: ModelPolicy) -> str:
    """Return a policy for people."""
    most = f" to {policy.maximum}" if policy.maximum else " or more"
    where = f" in {', '.join(policy.pops)}" if policy.pops else ""
    return f"{policy.minimum}{most} nodes{where}"


def _row(model: ServedModel) -> tuple[str, ...]:
    return (
        model.name,
        f"{model.context_tokens} tokens" if model.context_tokens else "",
        model.digest,
        ", ".join(model.takes_work) or "none",
        ", ".join(sorted(set(model.nodes) - set(model.takes_work))) or "none",
        ", ".join(model.could_serve) or "none",
        in_words(model.policy) if model.policy else "none",
    )
