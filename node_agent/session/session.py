"""A session: calls in, replies out, one task for each generation and one that writes."""

import asyncio
import logging
from collections.abc import AsyncIterable, Awaitable, Callable

from nearfield.core.errors import InternalError, InvalidRequest, NearfieldError, TimedOut
from nearfield.core.session import Reply
from nearfield.core.wire.session import replies_to_wire, window_of
from node_agent.session.generation import Generations
from node_agent.session.outbox import Outbox
from node_agent.session.streams import StreamNumbers, flooded
from protos.nearfield.v1 import inference_pb2 as pb

_log = logging.getLogger(__name__)
LOAD_SECONDS = 1.0
"""Between two words on the node's load, as often as the control plane is told of it."""
_NO_BOUND = 1 << 32
"""Tokens: more than any answer has."""

Write = Callable[[pb.SessionReplies], Awaitable[None]]


class Session:
    """One client's generations on this node; `serve` it once.

    The client is told the node's load as the session opens, and then where it has changed.
    `leaving` ends the session as soon as nothing runs on it.

    All that is put while the event loop makes one turn, or while a write is under way, goes
    out as one message: a message costs 35 us a side, whatever it carries.
    """

    def __init__(
        self, generations: Generations, write: Write, leaving: asyncio.Event | None = None
    ) -> None:
        self._generations = generations
        self._write = write
        self._leaving = leaving or asyncio.Event()
        self._numbers = StreamNumbers()
        self._outbox = Outbox()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._pending = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False

    async def serve(self, calls: AsyncIterable[pb.SessionCalls]) -> None:
        """Run until the client has ended its calls, or `leaving`, and every answer is written.

        Cancelled, as when the client is gone, it frees every slot before it returns.
        """
        writer = asyncio.create_task(self._write_on())
        reader = asyncio.create_task(self._read_on(calls))
        teller = asyncio.create_task(self._tell_on())
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            ends = (writer, reader, teller, leaving)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if reader.done() or leaving.done():
                await self._finish(cut_off=reader.done() and reader.exception() is not None)
            if teller.done():
                teller.result()
            await writer  # to its end: gRPC takes no status while a write is under way
            if reader.done():
                reader.result()
        finally:
            tasks = [writer, reader, teller, leaving, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read_on(self, calls: AsyncIterable[pb.SessionCalls]) -> None:
        async for message in calls:
            for call in message.calls:
                # Who reads no refusals is not read either.
                while flooded(len(self._outbox)):
                    self._room.clear()
                    await self._room.wait()
                self._follow(call)

    def _follow(self, call: pb.SessionCall) -> None:
        """Do what a call asks; one for a stream that has just ended comes too late."""
        kind = call.WhichOneof("call")
        if kind == "start":
            self._start(call.stream, call.start)
        elif kind == "cancel":
            self._forget(call.stream)
        elif kind == "window":
            self._outbox.grant(call.stream, call.window.tokens)
            self._pending.set()

    def _start(self, stream: int, start: pb.Start) -> None:
        try:
            self._numbers.take(stream, len(self._outbox))
        except NearfieldError as error:
            self._forget(stream)
            self._outbox.open(stream, 0)
            self._put(stream, error)
            return
        self._outbox.open(stream, window_of(start))
        self._tasks[stream] = asyncio.create_task(self._answer(stream, start))

    def _forget(self, stream: int) -> None:
        self._outbox.close(stream)
        task = self._tasks.pop(stream, None)
        if task is not None:
            task.cancel()

    async def _answer(self, stream: int, start: pb.Start) -> None:
        """Run one generation to its end, which is always a reply of its own."""
        try:
            await self._generate(stream, start)
        except NearfieldError as error:
            self._put(stream, error)
        except Exception as error:
            _log.error("a generation failed", exc_info=error)
            self._put(stream, InternalError("the generation failed inside the node"))
        # A stream that was cancelled is out already.
        self._tasks.pop(stream, None)

    async def _generate(self, stream: int, start: pb.Start) -> None:
        timeout = _timeout_of(start)

        def sink(reply: Reply) -> None:
            self._put(stream, reply)

        try:
            async with asyncio.timeout(timeout) as within:
                await self._generations.run(start.request, start.trace.items(), sink, timeout)
        except TimeoutError:
            if timeout is None or not within.expired():
                raise
            limit = f"{timeout:g} s"
            raise TimedOut("the deadline passed", field="timeout_seconds", limit=limit) from None

    def _put(self, stream: int, reply: Reply) -> None:
        self._outbox.put(stream, reply)
        self._pending.set()

    async def _tell_on(self) -> None:
        while True:
            if self._outbox.tell(self._generations.load()):
                self._pending.set()
            await asyncio.sleep(LOAD_SECONDS)

    async def _write_on(self) -> None:
        while not self._ended:
            await self._pending.wait()
            self._pending.clear()
            while replies := self._outbox.take():
                await self._write(replies_to_wire(replies))
                self._room.set()

    async def _finish(self, *, cut_off: bool) -> None:
        """Let what runs end; nobody can grant it room any more, so the transport alone bounds."""
        if cut_off:
            for stream in list(self._tasks):
                self._forget(stream)
        self._outbox.grant_all(_NO_BOUND)
        self._pending.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._ended = True
        self._pending.set()


def _timeout_of(start: pb.Start) -> float | None:
    if not start.HasField("timeout_seconds"):
        return None
    timeout = start.timeout_seconds
    if not 0 < timeout < float("inf"):
        raise InvalidRequest(
            f"timeout_seconds {timeout:g} is not above 0 and finite",
            field="timeout_seconds",
            limit="above 0",
        )
    return timeout
