"""The figures of a bench: each with its target, as `summary.json` and as a table."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

SUMMARY_FILE = "summary.json"
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; `holds` tells whether it met `target`, and is None where there is none."""

    name: str
    value: float
    unit: str
    target: str | None = None
    holds: bool | None = None

    @property
    def verdict(self) -> str:
        """yes or no, or a dash without a target."""
        return {True: "yes", False: "no", None: "-"}[self.holds]


def write_summary(
    directory: Path, title: str, figures: Sequence[Figure], extra: Mapping[str, object]
) -> Path:
    """Write DIRECTORY/summary.json, print the same as a table, and return the file's path.

    `extra` are the run's settings, by name. Raises ValueError for a figure that is not finite.
    """
    summary = {
        "title": title,
        "figures": [asdict(figure) for figure in figures],
        "machine": machine(),
        "settings": dict(extra),
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / SUMMARY_FILE
    path.write_text(text + "\n", encoding="utf-8")
    Console().print(_table(title, figures))
    return path


def machine() -> dict[str, str | int]:
    """Describe what the bench ran on: figures from two machines are not to be compared."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
    }


def format_value(value: float) -> str:
    """Write a number for people: four digits, or all of a large one's."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _cpu_model() -> str:
    if CPU_INFO.exists():
        for line in CPU_INFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _table(title: str, figures: Sequence[Figure]) -> Table:
    table = Table(title=escape(title), title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name in ("unit", "target", "holds"):
        table.add_column(name)
    for figure in figures:
        cells = (figure.name, format_value(figure.value), figure.unit, figure.target or "")
        style = "bold red" if figure.holds is False else None
        table.add_row(*(escape(cell) for cell in cells), figure.verdict, style=style)
    return table
