"""One generation of a session as its reader takes it."""

import asyncio
from collections import deque
from typing import Protocol

from nearfield.core.clock import monotonic
from nearfield.core.errors import NearfieldError, StreamBroken, TimedOut
from nearfield.core.inference import Delta, Event, Finished
from nearfield.core.session import Admitted, Reply

_SLACK_TOKENS = 1024
"""A node may pass the window by one piece; by more it breaks the protocol."""


class Owner(Protocol):
    """Where an exchange says what its reader does."""

    def grant(self, stream: int, tokens: int) -> None:
        """Say that the reader has taken so many tokens more."""

    def release(self, stream: int, *, cancel: bool) -> None:
        """Let go of a stream; `cancel` where the node works on it still."""


class Exchange:
    """Holds what has arrived until it is read.

    `sampled` says that the round trip it measures is one: a warm session, and nothing
    written before it in the same moment.
    """

    def __init__(self, owner: Owner, stream: int, window: int, *, sampled: bool) -> None:
        self.admitted: Admitted | None = None
        self.seconds = 0.0
        self.sampled = sampled
        self._owner = owner
        self._stream = stream
        self._window = window
        self._started = monotonic()
        self._replies: deque[Event | NearfieldError] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._unread = 0
        self._taken = 0
        self._over = False
        self._timer: asyncio.TimerHandle | None = None

    def expire_after(self, timeout: float) -> None:
        """End with TimedOut so many seconds from now; a node that is silent cannot say it."""
        self._timer = asyncio.get_running_loop().call_later(timeout, self._expire, timeout)

    def take(self, reply: Reply) -> None:
        """Keep what arrived, and wake the reader."""
        if self._over:
            return
        if isinstance(reply, Delta):
            self._unread += len(reply.token_ids)
            if self._unread > self._window + _SLACK_TOKENS:
                self.fail(StreamBroken("the node sent more than its reader has room for"))
                return
            self._replies.append(reply)
        elif isinstance(reply, Admitted):
            self.admitted = reply
            self.seconds = monotonic() - self._started
        else:
            self._replies.append(reply)
            self._end(cancel=False)
        self._wake()

    def fail(self, error: NearfieldError) -> None:
        """End with an error that the node does not know of; it frees the slot."""
        self._replies.append(error)
        self._end(cancel=True)
        self._wake()

    async def admission(self) -> None:
        """Wait until the node has admitted, or has said what there is instead."""
        while self.admitted is None and not self._replies:
            await self._wait()

    async def next(self) -> Event:
        """Return the next event; raises the error that ended the answer."""
        while not self._replies:
            await self._wait()
        reply = self._replies.popleft()
        if isinstance(reply, NearfieldError):
            raise reply
        if not isinstance(reply, Finished):
            self._count(len(reply.token_ids))
        return reply

    def close(self) -> None:
        """Read no further; the node frees the slot."""
        self._end(cancel=True)

    def _count(self, tokens: int) -> None:
        """Grant anew once half the window was taken."""
        self._unread -= tokens
        self._taken += tokens
        if self._taken * 2 >= self._window and not self._over:
            self._owner.grant(self._stream, self._taken)
            self._taken = 0

    def _expire(self, timeout: float) -> None:
        limit = f"{timeout:g} s"
        self.fail(TimedOut("the deadline passed", field="timeout", limit=limit))

    def _end(self, *, cancel: bool) -> None:
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._owner.release(self._stream, cancel=cancel)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
