"""Puts the verbs together."""

import sys
from collections.abc import Sequence
from itertools import pairwise

import typer

from nearfield.cli import (
    cache,
    doctor,
    down,
    generate,
    intake,
    models,
    nodes,
    prefix,
    quickstart,
    route,
    tickets,
    up,
)
from nearfield.cli.output import fail
from nearfield.core.errors import NearfieldError

app = typer.Typer(
    help="Serves a language model from the node that can answer soonest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("down")(down.down)
app.command("quickstart")(quickstart.quickstart)
app.command("generate")(generate.generate)
app.command("chat")(generate.chat)
app.command("nodes")(nodes.nodes)
app.command("node")(nodes.node)
app.add_typer(models.app, name="models")
app.command("cordon")(intake.cordon)
app.command("drain")(intake.drain)
app.command("resume")(intake.resume)
app.command("clear-cache")(cache.clear_cache)
app.command("doctor")(doctor.doctor)
app.add_typer(route.app, name="route")
app.add_typer(prefix.app, name="prefix")
app.add_typer(tickets.app, name="tickets")


def main() -> None:
    """Run the command; an error of ours is one line, and status 1."""
    try:
        app()
    except NearfieldError as error:
        fail(error, as_json=_wants_json(sys.argv[1:]))


def _wants_json(arguments: Sequence[str]) -> bool:
    apart = any(pair in (("-o", "json"), ("--output", "json")) for pair in pairwise(arguments))
    return apart or "-ojson" in arguments or "--output=json" in arguments
