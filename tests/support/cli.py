"""Runs the `nearfield` command beside servers that live on the test's own event loop."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from nearfield.cli.main import main


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it said, as `-o json` is read."""
        return json.loads(self.out)


class Cli:
    """Calls the command's own `main` on a thread, as it runs an event loop of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    async def __call__(self, *arguments: str) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["nearfield", *arguments])
        self._capsys.readouterr()
        status = await asyncio.to_thread(_run)
        return Done(status, *self._capsys.readouterr())


def _run() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
