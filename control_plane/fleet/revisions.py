"""One revisioned value: changed here and by other replicas, kept by the directory."""

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from nearfield.core.errors import DirectoryUnavailable, NearfieldError, RequestError

_log = logging.getLogger(__name__)
_RACES_MOST = 5
PENDING_MOST = 100
"""Changes that wait for the directory; each is made anew if another replica was first."""


class Revisioned(Protocol):
    """A value of which the highest revision holds."""

    @property
    def revision(self) -> int:
        """Counts its changes."""


V = TypeVar("V", bound=Revisioned)
Change = Callable[[V], V]


class Store(Protocol[V]):
    """Where the value outlives the process; every call may raise DirectoryUnavailable."""

    name: str
    """What it is, for people."""

    async def read(self) -> V:
        """Return what stands."""

    async def write(self, value: V) -> bool:
        """Write it if its revision is above what stands."""

    def stamp(self, value: V, revision: int) -> V:
        """Return the value with a revision."""

    def note(self, value: V) -> None:
        """Take notice of what holds now."""


class Revisions(Generic[V]):
    """The line of revisions of one value, without the changes of others lost or undone."""

    def __init__(self, store: Store[V], current: V) -> None:
        self._store = store
        self.current = current
        self._pending: tuple[Change[V], ...] = ()
        # without the directory nothing else keeps two changes from taking the same revision
        self._lock = asyncio.Lock()

    def load(self, stored: V) -> None:
        """Take over what the directory holds, unless it has yet to get what was changed here."""
        if not self._pending:
            self.current = stored

    async def change(self, change: Change[V]) -> tuple[V, bool]:
        """Apply a change; returns the new value, and whether the directory holds it.

        While the directory cannot be reached the change holds in memory and is written
        later. Raises what `change` raises, and DirectoryUnavailable where too many others
        write or too many changes wait.
        """
        async with self._lock:
            for _ in range(_RACES_MOST):
                value = self._next(change(self.current))
                try:
                    if await self._store.write(value):
                        self._hold(value, ())
                        return value, True
                    # another writer was first: go on from what it wrote
                    self.current = self._made_anew(await self._store.read())
                except DirectoryUnavailable as error:
                    self._wait_for_the_directory(value, change, error)
                    return value, False
        raise DirectoryUnavailable(f"too many writers change {self._store.name}")

    async def persist(self) -> None:
        """Write what the directory has missed; raises DirectoryUnavailable."""
        async with self._lock:
            for _ in range(_RACES_MOST):
                if not self._pending or await self._persist_once():
                    self._pending = ()
                    return
        raise DirectoryUnavailable(f"too many writers change {self._store.name}")

    async def _persist_once(self) -> bool:
        """Write what holds, or go on from what others wrote; returns whether it is written."""
        try:
            if await self._store.write(self.current):
                return True
        except RequestError as error:  # with what others wrote it is too much for the directory
            _log.error("changes of %s are lost: %s", self._store.name, _why(error))
            self._hold(await self._store.read(), ())
            return True
        stored = await self._store.read()
        if stored == self.current:  # it was written, and the answer was lost
            return True
        _log.warning("%s was changed elsewhere meanwhile, too", self._store.name)
        self.current = self._made_anew(stored)
        self._hold(self._next(self.current), self._pending)
        return False

    def _next(self, value: V) -> V:
        return self._store.stamp(value, self.current.revision + 1)

    def _hold(self, value: V, pending: tuple[Change[V], ...]) -> None:
        self.current = value
        self._pending = pending
        self._store.note(value)

    def _wait_for_the_directory(
        self, value: V, change: Change[V], error: DirectoryUnavailable
    ) -> None:
        if len(self._pending) >= PENDING_MOST:
            raise DirectoryUnavailable(
                f"{PENDING_MOST} changes wait for the directory: {error.message}",
                field="directory",
                limit=f"{PENDING_MOST} changes",
            )
        _log.warning("%s is not durable yet: %s", self._store.name, error.message)
        self._hold(value, (*self._pending, change))

    def _made_anew(self, stored: V) -> V:
        """Return what stands with the changes that wait, of its revision."""
        if stored == self.current:
            return stored
        value = stored
        for change in self._pending:
            try:
                value = change(value)
            except RequestError as error:
                _log.error("a change of %s cannot be made: %s", self._store.name, _why(error))
        return self._store.stamp(value, stored.revision)


def _why(error: NearfieldError) -> str:
    return f"{error.message} (limit: {error.limit})" if error.limit else error.message
