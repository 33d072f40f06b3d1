"""How every verb speaks: tables for people, JSON for programs."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from nearfield.core.errors import NearfieldError

WIDTH_ELSEWHERE = 180
"""Columns where no terminal says otherwise: a log keeps a node on one line."""

console = Console(
    highlight=False,
    markup=False,  # answers and reasons are other people's words, brackets included
    emoji=False,
    width=None if sys.stdout.isatty() else WIDTH_ELSEWHERE,
)


class Format(StrEnum):
    """What a verb prints."""

    TEXT = "text"
    JSON = "json"


Output = Annotated[Format, typer.Option("-o", "--output", help="text or json")]


def to_json(value: Any) -> Any:
    """Return plain values for JSON: dataclasses and named tuples become objects."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple) and hasattr(value, "_asdict"):  # a NamedTuple
        value = value._asdict()
    if isinstance(value, dict):
        return {str(key): to_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(one) for one in value]
    return value


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(to_json(value), indent=2, ensure_ascii=False))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table; a column whose name ends in a unit is right-aligned."""
    made = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    for column in columns:
        numeric = column.endswith((" ms", " %", " km")) or column in ("run", "wait", "rank")
        made.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def milliseconds(seconds: float) -> str:
    """Write seconds as milliseconds, with a digit behind the point below ten."""
    value = seconds * 1000
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def fail(error: NearfieldError, *, as_json: bool) -> NoReturn:
    """Say what is wrong, and end with status 1."""
    if as_json:
        values = {
            "kind": type(error).__name__,
            "message": error.message,
            "field": error.field,
            "limit": error.limit,
            "outcome": error.outcome.value,
            "retry_after": error.retry_after,
        }
        print_json({"error": values})
    else:
        limit = f" (limit: {error.limit})" if error.limit else ""
        print(f"error: {error.message}{limit}", file=sys.stderr)
    sys.exit(1)
