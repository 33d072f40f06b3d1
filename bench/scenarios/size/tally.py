"""What the simulated nodes did, and how their sending is paced."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bench.scenarios.size.frames import size_on_the_wire

JOINS_AT_ONCE = 50
JOIN_PAUSE_SECONDS = 0.01
"""Paced so, thousands join; as one burst they fail, and real nodes are spread by their back-off."""
JOINS_WAITING_MOST = 500
"""Without a Welcome yet: gRPC's server refuses calls by lot from 1,000 on that nobody took up."""


@dataclass(slots=True)
class Tally:
    """Counted since the start of the run; `sent` are bytes, `lost` links that ended."""

    joined: int = 0
    reports: int = 0
    sent: int = 0
    lost: int = 0

    def note(self, frames: Sequence[bytes]) -> None:
        """Count one node's report and what went with it."""
        self.reports += 1
        self.sent += size_on_the_wire(frames)


async def until_due(due: float) -> None:
    """Wait until the loop's time is `due`."""
    delay = due - asyncio.get_running_loop().time()
    if delay > 0:
        await asyncio.sleep(delay)
