"""Tells any number of followers which nodes changed, without holding up who changes them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Follower:
    """Gathers names until they are taken; a name that changes twice is there once."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._event = asyncio.Event()

    def add(self, name: str) -> None:
        """Note a change."""
        self._names.add(name)
        self._event.set()

    async def take(self) -> set[str]:
        """Wait for a change and return all names since the last call."""
        await self._event.wait()
        return self.drain()

    def drain(self) -> set[str]:
        """Return all names since the last call, which may be none."""
        self._event.clear()
        names, self._names = self._names, set()
        return names


class Changes:
    """The hub of one registry."""

    def __init__(self) -> None:
        self._followers: set[Follower] = set()

    def note(self, name: str) -> None:
        """Tell every follower."""
        for follower in self._followers:
            follower.add(name)

    @contextmanager
    def follow(self) -> Iterator[Follower]:
        """Follow until the block ends."""
        follower = Follower()
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)
