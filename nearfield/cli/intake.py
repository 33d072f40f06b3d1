"""`nearfield cordon`, `drain` and `resume`: what a node takes in."""

import asyncio
from typing import Annotated

import typer

from nearfield.cli.nodes import state_in_words
from nearfield.cli.output import Format, Output, console, print_json
from nearfield.cli.targets import AdminTarget, admin, open_admin
from nearfield.client.admin import AdminClient
from nearfield.core.node import Desired, Health, Intake, NodeState, NodeView

Name = Annotated[str, typer.Argument(help="the node's name")]
Reason = Annotated[str, typer.Option(help="why, for people")]
_APPLY_SECONDS = 10.0


def cordon(
    name: Name, reason: Reason = "", admin_target: AdminTarget = "", output: Output = Format.TEXT
) -> None:
    """Give a node no new work; what it has goes on."""
    asyncio.run(_set(admin(admin_target), name, Intake.CORDONED, reason, output))


def drain(
    name: Name, reason: Reason = "", admin_target: AdminTarget = "", output: Output = Format.TEXT
) -> None:
    """Give a node no new work and wait until what it has is finished."""
    asyncio.run(_set(admin(admin_target), name, Intake.DRAINED, reason, output))


def resume(name: Name, admin_target: AdminTarget = "", output: Output = Format.TEXT) -> None:
    """Let a node take work again."""
    asyncio.run(_set(admin(admin_target), name, Intake.OPEN, "", output))


async def _set(target: str, name: str, intake: Intake, reason: str, output: Format) -> None:
    async with open_admin(target) as client:
        desired, durable = await client.set_intake(name, intake, reason)
        view = await _follow(client, name, desired, output)
    if output is Format.JSON:
        print_json({"name": name, "desired": desired, "durable": durable, "node": view})
        return
    console.print(f"{name} is {state_in_words(view)}")
    if view.applied_revision < desired.revision:
        console.print("the node has not applied it yet; it will when it is heard again")
    if not durable:
        console.print("the directory is away: this holds in memory and is not durable yet")


async def _follow(client: AdminClient, name: str, desired: Desired, output: Format) -> NodeView:
    """Wait until the node has applied the state, and for a drain until it is done.

    A node that is not alive cannot apply it now, and is not waited for.
    """
    running = -1
    try:
        async with asyncio.timeout(_APPLY_SECONDS) as limit:
            async for changed, view in client.watch(interval=0.2):
                if changed != name or view is None:
                    continue
                if view.health is not Health.ALIVE:
                    return view
                if view.applied_revision < desired.revision:
                    continue
                if view.state is not NodeState.DRAINING:
                    return view
                limit.reschedule(None)  # a drain takes as long as its requests
                left = view.load.running + view.load.waiting
                if left != running and output is Format.TEXT:
                    console.print(f"{name}: {left} requests to finish")
                running = left
    except TimeoutError:
        pass
    return await client.node(name)
