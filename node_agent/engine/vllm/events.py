"""The engine's own account of which blocks it keeps and drops."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import zmq
import zmq.asyncio
from vllm.config import KVEventsConfig
from vllm.distributed.kv_events import BlockRemoved, KVEventBatch

from nearfield.core.identity import new_id


class KvEvents:
    """Follows one engine's KV events over a local socket.

    The engine publishes `[topic, sequence, batch]`; its scheduler's statistics count
    reused empty blocks as evicted, so the removals are counted here.
    """

    def __init__(self) -> None:
        self._path = Path(tempfile.gettempdir()) / f"nearfield-{new_id('kv')}"
        self._socket: Any = None
        self._task: asyncio.Task[None] | None = None
        self.evicted_blocks = 0

    def config(self) -> Any:
        """Return what the engine must be told to publish here."""
        return KVEventsConfig(
            enable_kv_cache_events=True, publisher="zmq", endpoint=f"ipc://{self._path}"
        )

    def follow(self) -> None:
        """Listen from now on; before the first request, so that nothing is missed."""
        self._socket = zmq.asyncio.Context.instance().socket(zmq.SUB)
        self._socket.connect(f"ipc://{self._path}")
        self._socket.subscribe(b"")
        self._task = asyncio.create_task(self._count())

    async def _count(self) -> None:
        decoder = msgspec.msgpack.Decoder(KVEventBatch)
        while True:
            _, _, payload = await self._socket.recv_multipart()
            for event in decoder.decode(payload).events:
                if isinstance(event, BlockRemoved):
                    self.evicted_blocks += len(event.block_hashes)

    async def aclose(self) -> None:
        """Stop listening and take the socket's file away."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._socket.close(linger=0)
            self._task = None
        self._path.unlink(missing_ok=True)
