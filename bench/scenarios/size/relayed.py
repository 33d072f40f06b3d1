"""Simulated nodes behind simulated relays: a stream carries many of them."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import grpc

from bench.scenarios.size.frames import relayed
from bench.scenarios.size.population import SimulatedNode
from bench.scenarios.size.tally import JOIN_PAUSE_SECONDS, JOINS_AT_ONCE, Tally, until_due
from protos.nearfield.v1 import fleet_pb2 as pb

METHOD = "/nearfield.v1.Fleet/Relay"
BATCH_SECONDS = 0.05
"""As a relay gathers."""
CHANGE_SECONDS = 1.0
BUSY_EVERY = 10
"""One node in so many has other work at each look and reports that, the others their heartbeat."""


class RelayedLinks:
    """Nodes over one stream a channel, dealt out in turn; a link's number is its node's + 1."""

    def __init__(
        self, channels: Sequence[grpc.aio.Channel], nodes: Sequence[SimulatedNode]
    ) -> None:
        self._calls: list[Any] = [channel.stream_stream(METHOD)() for channel in channels]
        self._nodes = nodes
        self._welcomed = asyncio.Event()
        self._reading: list[asyncio.Task[None]] = []
        self._interval = 0.0
        self.tally = Tally()

    async def join(self) -> None:
        """Join all nodes and wait until each is welcome."""
        self._reading = [asyncio.create_task(self._drain(call)) for call in self._calls]
        streams = len(self._calls)
        for first in range(0, len(self._nodes), JOINS_AT_ONCE * streams):
            for stream, call in enumerate(self._calls):
                end = min(first + JOINS_AT_ONCE * streams, len(self._nodes))
                numbers = range(first + stream, end, streams)
                hellos = (relayed(one + 1, self._nodes[one].hello) for one in numbers)
                await call.write(b"".join(hellos))
                held = (relayed(one + 1, self._nodes[one].snapshot()) for one in numbers)
                await call.write(b"".join(held))
                await asyncio.sleep(JOIN_PAUSE_SECONDS)
        await self._welcomed.wait()

    async def report(self) -> None:
        """Report for all nodes until cancelled, staggered over the interval."""
        async with asyncio.TaskGroup() as tasks:
            start = asyncio.get_running_loop().time()
            for stream, call in enumerate(self._calls):
                offset = BATCH_SECONDS * stream / len(self._calls)
                mine = range(stream, len(self._nodes), len(self._calls))
                tasks.create_task(self._report_in_batches(call, mine, start + offset))

    async def _report_in_batches(self, call: Any, mine: range, start: float) -> None:
        busy = [number for number in mine if is_busy(number)]
        idle = [number for number in mine if not is_busy(number)]
        slots = (round(CHANGE_SECONDS / BATCH_SECONDS), round(self._interval / BATCH_SECONDS))
        batch = 0
        while True:
            await until_due(start + batch * BATCH_SECONDS)
            now = (
                *busy[batch % slots[0] :: slots[0]],
                *idle[batch % slots[1] :: slots[1]],
            )
            await call.write(b"".join(self._frames(now)))
            batch += 1

    def _frames(self, numbers: Iterable[int]) -> Iterable[bytes]:
        for number in numbers:
            frames = [relayed(number + 1, frame) for frame in self._nodes[number].frames()]
            self.tally.note(frames)
            yield from frames

    async def _drain(self, call: Any) -> None:
        try:
            while (batch := await call.read()) is not grpc.aio.EOF:
                for frame in pb.RelayedPlaneFrames.FromString(batch).frames:
                    self._take(frame)
        except grpc.aio.AioRpcError:
            pass
        self.tally.lost += len(self._nodes) // len(self._calls)

    def _take(self, relayed: pb.RelayedPlaneFrame) -> None:
        if relayed.error:
            self.tally.lost += 1
        elif relayed.frame.HasField("welcome"):
            self._interval = relayed.frame.welcome.report_interval_seconds
            self.tally.joined += 1
            if self.tally.joined == len(self._nodes):
                self._welcomed.set()


def is_busy(number: int) -> bool:
    """Whether a node's work changes all the time; by tens, so that each relay has its share."""
    return number // BUSY_EVERY % BUSY_EVERY == 0
