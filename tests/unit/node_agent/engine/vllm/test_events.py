import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import zmq
from vllm.distributed.kv_events import AllBlocksCleared, BlockRemoved, KVEventBatch

from node_agent.engine.vllm.events import KvEvents
from tests.support.node_builders import eventually


@contextmanager
def publisher(events: KvEvents) -> Iterator[Any]:
    """An engine's end of the socket: it publishes to whoever listens."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.bind(events.config().endpoint)
        yield socket


def batch(*events: object) -> list[bytes]:
    return [b"", b"\0" * 8, msgspec.msgpack.encode(KVEventBatch(ts=1.0, events=list(events)))]


async def test_every_removed_block_counts_as_evicted() -> None:
    events = KvEvents()
    with publisher(events) as socket:
        events.follow()
        await eventually(lambda: socket.poll(0))  # the subscription has arrived
        socket.send_multipart(batch(BlockRemoved([1, 2], medium="GPU"), AllBlocksCleared()))
        socket.send_multipart(batch(BlockRemoved([3], medium="GPU")))
        await eventually(lambda: events.evicted_blocks >= 3)
        assert events.evicted_blocks == 3
        await events.aclose()


async def test_closing_twice_leaves_no_socket_behind() -> None:
    events = KvEvents()
    folder, _, name = events.config().endpoint.removeprefix("ipc://").rpartition("/")
    with publisher(events):
        events.follow()
        assert name in os.listdir(folder)
        await events.aclose()
    assert name not in os.listdir(folder)
    await events.aclose()


async def test_two_engines_of_one_host_have_sockets_of_their_own() -> None:
    assert KvEvents().config().endpoint != KvEvents().config().endpoint
