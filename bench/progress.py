"""Shows how a run goes: a live line on a terminal, else a plain line every few seconds."""

from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.generator import OnProgress
from bench.sample import Sample, SampleOutcome
from nearfield.core.clock import Clock, monotonic

LINE_EVERY = 5.0
"""Seconds between two plain lines."""
REFRESHES_PER_SECOND = 4
"""Few, since drawing takes time from the generator it watches."""


@dataclass
class Tally:
    """Counts a run while it goes."""

    total: int
    started: int = 0
    ok: int = 0
    rejected: int = 0
    failed: int = 0
    ttfts: list[float] = field(default_factory=list)

    def note(self, sample: Sample | None) -> None:
        """Count a start (None) or an end."""
        if sample is None:
            self.started += 1
            return
        self.ok += sample.outcome is SampleOutcome.OK
        self.rejected += sample.outcome is SampleOutcome.REJECTED
        self.failed += sample.outcome is SampleOutcome.FAILED
        if sample.ttft is not None:
            insort(self.ttfts, sample.ttft)

    @property
    def done(self) -> int:
        """Requests that have ended, well or not."""
        return self.ok + self.rejected + self.failed

    def __str__(self) -> str:
        return (
            f"{self.done}/{self.total} done, {self.started - self.done} in flight, "
            f"{self.ok} ok, {self.rejected} rejected, {self.failed} failed, "
            f"TTFT p50 {self._median()}"
        )

    def _median(self) -> str:
        if not self.ttfts:
            return "unknown"
        return f"{self.ttfts[len(self.ttfts) // 2] * 1000:.0f} ms"


@contextmanager
def watch(
    total: int, *, console: Console | None = None, clock: Clock = monotonic
) -> Iterator[OnProgress]:
    """Yield what to call as requests start and end; shows on stderr unless told otherwise."""
    console = console or Console(stderr=True)
    tally = Tally(total)
    with _live(tally, console) if console.is_terminal else _lines(tally, console, clock) as note:
        yield note


@contextmanager
def _live(tally: Tally, console: Console) -> Iterator[OnProgress]:
    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, refresh_per_second=REFRESHES_PER_SECOND) as progress:
        bar = progress.add_task(str(tally), total=tally.total)

        def note(sample: Sample | None) -> None:
            tally.note(sample)
            progress.update(bar, completed=tally.done, description=str(tally))

        yield note


@contextmanager
def _lines(tally: Tally, console: Console, clock: Clock) -> Iterator[OnProgress]:
    due = clock() + LINE_EVERY

    def note(sample: Sample | None) -> None:
        nonlocal due
        tally.note(sample)
        if clock() >= due:
            due = clock() + LINE_EVERY
            _print(tally, console)

    yield note
    _print(tally, console)


def _print(tally: Tally, console: Console) -> None:
    console.print(str(tally), highlight=False, soft_wrap=True)
