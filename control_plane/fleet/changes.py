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
        self._of_all: set[Follower] = set()
        # Every link follows its own node: told of all the others, joins would cost their square.
        self._of_one: dict[str, set[Follower]] = {}

    def note(self, name: str) -> None:
        """Tell every follower of this name, and those of all names."""
        for follower in self._of_all:
            follower.add(name)
        for follower in self._of_one.get(name, ()):
            follower.add(name)

    @contextmanager
    def follow(self, name: str = "", follower: Follower | None = None) -> Iterator[Follower]:
        """Follow one name or all, until the block ends; a follower may have several hubs."""
        follower = follower or Follower()
        followers = self._of_one.setdefault(name, set()) if name else self._of_all
        followers.add(follower)
        try:
            yield follower
        finally:
            followers.discard(follower)
            if name and not followers:
                self._of_one.pop(name, None)
