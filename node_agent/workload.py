"""The requests a node has taken on, counted as they come and go."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Entry:
    """One admitted request; `waiting` until its first token."""

    prompt_tokens: int
    waiting: bool = True


class Workload:
    """Exact at every moment, while the engine's own counters are as of its last step.

    `idle` is set while nothing is in flight.
    """

    def __init__(self) -> None:
        self.idle = asyncio.Event()
        self.idle.set()
        self._running = 0
        self._waiting = 0
        self._waiting_prompt_tokens = 0

    @contextmanager
    def admit(self, prompt_tokens: int) -> Iterator[Entry]:
        """Count a request until the block ends, however it ends."""
        entry = Entry(prompt_tokens)
        self.idle.clear()
        self._waiting += 1
        self._waiting_prompt_tokens += prompt_tokens
        try:
            yield entry
        finally:
            self.mark_started(entry)
            self._running -= 1
            if self.in_flight == 0:
                self.idle.set()

    def mark_started(self, entry: Entry) -> None:
        """Note the first token of a request; only the first call counts."""
        if entry.waiting:
            entry.waiting = False
            self._waiting -= 1
            self._waiting_prompt_tokens -= entry.prompt_tokens
            self._running += 1

    @property
    def running(self) -> int:
        """Requests between their first token and their last."""
        return self._running

    @property
    def waiting(self) -> int:
        """Requests without a token yet."""
        return self._waiting

    @property
    def waiting_prompt_tokens(self) -> int:
        """Prompt tokens of those that wait."""
        return self._waiting_prompt_tokens

    @property
    def in_flight(self) -> int:
        """All that was admitted and has not ended."""
        return self._running + self._waiting
