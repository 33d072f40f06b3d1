"""The engine's own account of which blocks it keeps and drops."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import zmq
import zmq.asyncio
from vllm.config import KVEventsConfig
from vllm.distributed.kv_events import BlockRemoved, KVEventBatch

from node_agent.engine.vllm.event_sockets import EventSockets, remove_stale
from node_agent.engine.vllm.event_values import to_neutral
from node_agent.engine.vllm.replay import replay
from node_agent.kv_cache.blocks import KvEvent


class KvEvents:
    """Follows one engine's KV events over local sockets, in order and without a hole.

    The engine publishes `[topic, sequence, batch]`, the sequence counting up from 0. Missed
    batches are asked for again; `on_gap` says that some could not be had, and then nothing is
    known but what comes after. The scheduler's statistics count reused empty blocks as evicted,
    so the removals are counted here.
    """

    def __init__(self) -> None:
        self._sockets = EventSockets()
        self._socket: Any = None
        self._task: asyncio.Task[None] | None = None
        self._decoder = msgspec.msgpack.Decoder(KVEventBatch)
        self._next = 0
        self._newest = b""
        self._on_event: Callable[[KvEvent], None] = _ignore
        self._on_gap: Callable[[], None] = _ignore
        self.evicted_blocks = 0

    def config(self) -> Any:
        """Return what the engine must be told to publish here."""
        return KVEventsConfig(
            enable_kv_cache_events=True,
            publisher="zmq",
            endpoint=self._sockets.events,
            replay_endpoint=self._sockets.replay,
        )

    def listen(self, on_event: Callable[[KvEvent], None], on_gap: Callable[[], None]) -> None:
        """Hand every event from now on to `on_event`; neither may block."""
        self._on_event = on_event
        self._on_gap = on_gap

    def follow(self) -> None:
        """Listen from now on; before the first request, so that nothing is missed."""
        remove_stale()
        # Batches over its limit of 1,000 are dropped and then replayed, so it stays bounded.
        self._socket = zmq.asyncio.Context.instance().socket(zmq.SUB)
        self._socket.connect(self._sockets.events)
        self._socket.subscribe(b"")
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            _, sequence, payload = await self._socket.recv_multipart()
            number = int.from_bytes(sequence, "big")
            if number < self._next:  # an engine that began anew
                self._lose(0)
            if number > self._next:
                await self._heal(number)
            self._apply(number, payload)

    async def _heal(self, end: int) -> None:
        """Apply what was missed before `end`, as far as it can be had; `_apply` tells of holes."""
        known = max(0, self._next - 1)
        batches = await replay(self._sockets.replay, known, end)
        # The newest known batch comes back too: from an engine that began anew it is another.
        if self._next and batches[:1] != [(known, self._newest)]:
            self._lose(0)
            batches = await replay(self._sockets.replay, 0, end)
        for number, payload in batches:
            if number >= self._next:
                self._apply(number, payload)

    def _apply(self, number: int, payload: bytes) -> None:
        if number != self._next:
            self._lose(number)
        self._next = number + 1
        self._newest = payload
        try:
            events = self._decoder.decode(payload).events
        except msgspec.DecodeError:  # a kind of event that this version does not know
            self._on_gap()
            return
        for event in events:
            self._take(event)

    def _lose(self, following: int) -> None:
        self._next = following
        self._on_gap()

    def _take(self, event: Any) -> None:
        if isinstance(event, BlockRemoved):
            self.evicted_blocks += len(event.block_hashes)
        neutral = to_neutral(event)
        if neutral is not None:
            self._on_event(neutral)

    async def aclose(self) -> None:
        """Stop listening and take the sockets' files away."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._socket.close(linger=0)
            self._task = None
        self._sockets.remove()


def _ignore(*_: object) -> None:
    """Nobody listens yet."""
