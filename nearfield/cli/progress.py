"""Progress of long steps: a bar on a terminal, lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_LINE_SECONDS = 5.0


class Steps:
    """Called with a step, how much of it is done and how much it is; speaks on stderr."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, object] = {}
        self._started = time.monotonic()
        self._said = ("", -1, 0.0)

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show how far a step is."""
        if not self._console.is_terminal:
            self._say(step, done, total)
            return
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(step, total=total)
        self._bar.update(self._tasks[step], completed=done)  # type: ignore[arg-type]

    def _say(self, step: str, done: int, total: int) -> None:
        elapsed = time.monotonic() - self._started
        before, before_done, before_at = self._said
        if (step, done) != (before, before_done) or elapsed - before_at > _LINE_SECONDS:
            print(f"  {step}: {done} of {total} after {elapsed:.0f} s", file=sys.stderr)
            self._said = (step, done, elapsed)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
