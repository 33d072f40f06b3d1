"""Sleeping by a clock that is turned by hand."""

import asyncio

from tests.support.nearfield_builders import FakeClock


class TurnedTime(FakeClock):
    """A FakeClock that code may sleep by: `turn` wakes whoever's time has come."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was turned so far."""
        woken = asyncio.Event()
        sleeper = (self.now + seconds, woken)
        self._sleepers.append(sleeper)
        try:
            await woken.wait()
        finally:
            self._sleepers.remove(sleeper)

    @property
    def sleepers(self) -> int:
        """How many sleep now."""
        return len(self._sleepers)

    async def turn(self, seconds: float) -> None:
        """Turn the clock, and let those who wake by it go as far as they get."""
        end = self.now + seconds
        await settle()
        while due := [until for until, woken in self._sleepers if until <= end]:
            self.now = max(self.now, min(due))
            for until, woken in self._sleepers:
                if until <= self.now:
                    woken.set()
            await settle()
        self.now = end
        await settle()


async def settle() -> None:
    """Let everything that can run without time or a network run."""
    for _ in range(20):
        await asyncio.sleep(0)
