"""A model small enough to ship: it answers a few dozen questions about edge inference by heart."""

from pathlib import Path

PATH = Path(__file__).parent / "weights"
