"""`nearfield models`: what the fleet serves."""

import asyncio

from nearfield.cli.output import Format, Output, console, print_json, table
from nearfield.cli.targets import AdminTarget, admin
from nearfield.client.admin import AdminClient

COLUMNS = ("model", "context", "digest", "takes work on", "other nodes")


def models(admin_target: AdminTarget = "", output: Output = Format.TEXT) -> None:
    """List the models, and who serves them."""
    asyncio.run(_list(admin(admin_target), output))


async def _list(target: str, output: Format) -> None:
    async with AdminClient(target) as client:
        served = await client.models()
    if output is Format.JSON:
        print_json(served)
        return
    rows = [
        (
            model.name,
            f"{model.context_tokens} tokens",
            model.digest,
            ", ".join(model.takes_work) or "none",
            ", ".join(sorted(set(model.nodes) - set(model.takes_work))) or "none",
        )
        for model in served
    ]
    console.print(table("", COLUMNS, rows))
