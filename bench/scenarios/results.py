"""What every bench leaves in its folder, and figures with their targets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.report.figures import Figure, write_summary
from bench.report.page import write_page

OUT = Path("bench/out")
"""Where benches leave their folders by default; not kept in the repository."""


def at_most(name: str, value: float, unit: str, limit: float) -> Figure:
    """Return a figure that holds up to `limit`."""
    return Figure(name, value, unit, f"≤ {limit:g}", value <= limit)


def below(name: str, value: float, unit: str, limit: float) -> Figure:
    """Return a figure that holds under `limit`."""
    return Figure(name, value, unit, f"< {limit:g}", value < limit)


def at_least(name: str, value: float, unit: str, limit: float) -> Figure:
    """Return a figure that holds from `limit` on."""
    return Figure(name, value, unit, f"≥ {limit:g}", value >= limit)


def publish(
    directory: Path,
    title: str,
    figures: Sequence[Figure],
    plots: Mapping[str, str],
    settings: Mapping[str, object],
    details: Mapping[str, object] | None = None,
) -> None:
    """Write summary.json and report.html, and print the figures.

    `details` go into the summary beside the settings, not onto the page.
    """
    write_summary(directory, title, figures, {**settings, **(details or {})})
    page = write_page(directory, title, figures, plots, settings)
    print(f"report: {page}")
