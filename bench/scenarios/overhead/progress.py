"""Tells people what the bench is at."""

from rich.console import Console


def say(what: str) -> None:
    """Print a line on standard error."""
    Console(stderr=True).print(what, highlight=False, soft_wrap=True)
