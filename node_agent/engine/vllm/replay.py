"""Asking an engine again for batches of KV events that were missed."""

import asyncio
from typing import Any

import zmq
import zmq.asyncio

REPLAY_SECONDS = 2.0
"""The engine looks for questions ten times a second; more than this and it is stuck."""
_SEQUENCE_BYTES = 8
_END = (-1).to_bytes(_SEQUENCE_BYTES, "big", signed=True)


async def replay(endpoint: str, first: int, end: int) -> list[tuple[int, bytes]]:
    """Return (sequence, batch) of `first` up to before `end`, as far as the engine has them.

    Takes at most REPLAY_SECONDS and then returns what has come.
    """
    batches: list[tuple[int, bytes]] = []
    # A socket for each question, so that what is left of one answer is not read as the next.
    socket: Any = zmq.asyncio.Context.instance().socket(zmq.DEALER)
    try:
        socket.connect(endpoint)
        async with asyncio.timeout(REPLAY_SECONDS):
            await socket.send_multipart([b"", first.to_bytes(_SEQUENCE_BYTES, "big")])
            while True:
                _, _, sequence, payload = await socket.recv_multipart()
                number = int.from_bytes(sequence, "big")
                if sequence == _END or number >= end:
                    return batches
                batches.append((number, payload))
    except TimeoutError:
        return batches
    finally:
        socket.close(linger=0)
