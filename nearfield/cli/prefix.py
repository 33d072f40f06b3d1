"""`nearfield prefix`: what is to be resident before it is asked for."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from nearfield.cli.models import NOT_DURABLE, Pops
from nearfield.cli.output import Format, Output, console, print_json, table
from nearfield.cli.targets import AdminTarget, admin, open_admin
from nearfield.core.errors import InvalidRequest
from nearfield.core.policy import PREFIX_CHARACTERS_MOST, DeclaredPrefix

app = typer.Typer(help="Prefixes that are kept resident.", no_args_is_help=True)
COLUMNS = ("prefix", "model", "of", "where", "characters", "begins")
_SHOWN = 40
_STDIN = "-"
# One character of UTF-8 takes at most four bytes; a file larger than that is not read whole.
_BYTES_MOST = 4 * PREFIX_CHARACTERS_MOST

Name = Annotated[str, typer.Argument(help="the prefix's name")]


@app.command("declare")
def declare(
    name: Name,
    model: Annotated[str, typer.Option(help="the model that it is for")],
    text: Annotated[str, typer.Argument(help="the prefix itself; - reads the input")] = "",
    file: Annotated[str, typer.Option(help="read it from a file instead, - is the input")] = "",
    tenant: Annotated[str, typer.Option(help="the tenant whose cache holds it")] = "",
    group: Annotated[str, typer.Option(help="or the trust group whose cache does")] = "",
    pop: Pops = None,
    system: Annotated[
        bool, typer.Option("--system", help="it is a conversation's system message")
    ] = False,
    admin_target: AdminTarget = "",
    output: Output = Format.TEXT,
) -> None:
    """Keep a prefix resident; one of the same name is replaced."""
    prefix = DeclaredPrefix(
        name, model, _text(text, file), tenant, group, tuple(pop or ()), system=system
    )
    asyncio.run(_declare(admin(admin_target), prefix, output))


@app.command("list")
def list_prefixes(admin_target: AdminTarget = "", output: Output = Format.TEXT) -> None:
    """List what is declared."""
    asyncio.run(_list(admin(admin_target), output))


@app.command("withdraw")
def withdraw(name: Name, admin_target: AdminTarget = "", output: Output = Format.TEXT) -> None:
    """Keep a prefix resident no more."""
    asyncio.run(_withdraw(admin(admin_target), name, output))


async def _declare(target: str, prefix: DeclaredPrefix, output: Format) -> None:
    async with open_admin(target) as client:
        revision, durable = await client.declare_prefix(prefix)
    _tell(prefix.name, "declared", revision, durable, output)


async def _withdraw(target: str, name: str, output: Format) -> None:
    async with open_admin(target) as client:
        revision, durable = await client.withdraw_prefix(name)
    _tell(name, "withdrawn", revision, durable, output)


async def _list(target: str, output: Format) -> None:
    async with open_admin(target) as client:
        prefixes = await client.prefixes()
    if output is Format.JSON:
        print_json(prefixes)
    else:
        console.print(table("", COLUMNS, [_row(prefix) for prefix in prefixes]))


def _tell(name: str, what: str, revision: int, durable: bool, output: Format) -> None:
    if output is Format.JSON:
        print_json({"name": name, "revision": revision, "durable": durable})
        return
    console.print(f"prefix {name} is {what} (revision {revision})")
    if not durable:
        console.print(NOT_DURABLE)


def _text(text: str, file: str) -> str:
    """Return the text from where it is; raises InvalidRequest."""
    if bool(text) == bool(file):
        raise InvalidRequest(
            "give the prefix as an argument or with --file",
            field="prefix.text",
            limit="one of TEXT, --file",
        )
    return _read(file or text) if file or text == _STDIN else text


def _read(file: str) -> str:
    try:
        if file == _STDIN:
            data = sys.stdin.buffer.read(_BYTES_MOST + 1)
        else:
            with Path(file).open("rb") as source:
                data = source.read(_BYTES_MOST + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"cannot read {file}: {error}", field="prefix.text") from None
    return text


def _row(prefix: DeclaredPrefix) -> tuple[str, ...]:
    of = f"tenant {prefix.tenant}" if prefix.tenant else f"group {prefix.group}"
    begins = " ".join(prefix.text[:_SHOWN].split())
    return (
        prefix.name,
        prefix.model,
        of,
        ", ".join(prefix.pops) or "everywhere",
        f"{len(prefix.text)}{', system' if prefix.system else ''}",
        begins,
    )
