"""`nearfield tickets`: what clients prove their rights with."""

import asyncio

import typer

from nearfield.cli.models import NOT_DURABLE
from nearfield.cli.output import Format, Output, console, print_json
from nearfield.cli.targets import AdminTarget, admin, open_admin

app = typer.Typer(help="Tickets, which let clients use nodes.", no_args_is_help=True)


@app.callback()
def _tickets() -> None:
    """Tickets, which let clients use nodes."""


@app.command("revoke")
def revoke(admin_target: AdminTarget = "", output: Output = Format.TEXT) -> None:
    """Make every ticket signed so far void; clients get new ones with their next lease."""
    asyncio.run(_revoke(admin(admin_target), output))


async def _revoke(target: str, output: Format) -> None:
    async with open_admin(target) as client:
        revision, durable = await client.revoke_tickets()
    if output is Format.JSON:
        print_json({"revision": revision, "durable": durable})
        return
    console.print(f"all tickets signed so far are void (revision {revision})")
    if not durable:
        console.print(NOT_DURABLE)
