"""`nearfield clear-cache`: empties a node's prefix cache."""

import asyncio

from nearfield.cli.intake import Name
from nearfield.cli.output import Format, Output, console, print_json
from nearfield.cli.targets import AdminTarget, admin, open_admin


def clear_cache(name: Name, admin_target: AdminTarget = "", output: Output = Format.TEXT) -> None:
    """Ask a node to forget its cached prefixes, those of running requests apart."""
    asyncio.run(_clear(admin(admin_target), name, output))


async def _clear(target: str, name: str, output: Format) -> None:
    async with open_admin(target) as client:
        desired, durable = await client.clear_prefix_cache(name)
    if output is Format.JSON:
        print_json({"name": name, "desired": desired, "durable": durable})
    else:
        console.print(f"{name} was asked to clear its prefix cache (revision {desired.revision})")
