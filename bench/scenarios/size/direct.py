"""Simulated nodes that have a stream each."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc

from bench.scenarios.size.population import SimulatedNode
from bench.scenarios.size.tally import (
    JOIN_PAUSE_SECONDS,
    JOINS_AT_ONCE,
    JOINS_WAITING_MOST,
    Tally,
    until_due,
)
from protos.nearfield.v1 import fleet_pb2 as pb

METHOD = "/nearfield.v1.Fleet/Link"
LANES = 8
"""Writers that take turns through the nodes: a write waits for a thread of gRPC's."""


class DirectLinks:
    """A stream for each node; `channels` are shared out among them."""

    def __init__(
        self, channels: Sequence[grpc.aio.Channel], nodes: Sequence[SimulatedNode]
    ) -> None:
        self._open: list[Any] = [channel.stream_stream(METHOD) for channel in channels]
        self._nodes = nodes
        self._calls: dict[int, Any] = {}
        self._reading: set[asyncio.Task[None]] = set()
        self._waiting = asyncio.Semaphore(JOINS_WAITING_MOST)
        self._interval = 0.0
        self.tally = Tally()

    async def join(self) -> None:
        """Join all nodes; raises an ExceptionGroup of AioRpcError where one is refused."""
        async with asyncio.TaskGroup() as joins:
            for number in range(len(self._nodes)):
                await self._waiting.acquire()
                joins.create_task(self._join(number))
                if number % JOINS_AT_ONCE == JOINS_AT_ONCE - 1:
                    await asyncio.sleep(JOIN_PAUSE_SECONDS)

    async def report(self) -> None:
        """Report for all nodes until cancelled, staggered over the interval."""
        async with asyncio.TaskGroup() as tasks:
            start = asyncio.get_running_loop().time()
            for lane in range(LANES):
                tasks.create_task(self._report_in_turn(range(lane, len(self._nodes), LANES), start))

    async def _join(self, number: int) -> None:
        call = self._open[number % len(self._open)]()
        await call.write(self._nodes[number].hello)
        welcome = pb.PlaneFrame.FromString(await _read(call)).welcome
        self._interval = welcome.report_interval_seconds
        await call.write(self._nodes[number].snapshot())
        self._calls[number] = call
        self.tally.joined += 1
        self._waiting.release()
        reading = asyncio.create_task(self._drain(number, call))
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)

    async def _report_in_turn(self, mine: range, start: float) -> None:
        due = {number: start + self._interval * number / len(self._nodes) for number in mine}
        while True:
            for number in mine:
                await until_due(due[number])
                due[number] += self._interval
                await self._send(number)

    async def _send(self, number: int) -> None:
        call = self._calls.get(number)
        if call is None:
            return
        frames = self._nodes[number].frames()
        try:
            for frame in frames:
                await call.write(frame)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # whoever reads it notices the end
        self.tally.note(frames)

    async def _drain(self, number: int, call: Any) -> None:
        """Read what comes down until the link ends."""
        try:
            while await call.read() is not grpc.aio.EOF:
                pass
        except grpc.aio.AioRpcError:
            pass
        del self._calls[number]
        self.tally.lost += 1


async def _read(call: Any) -> bytes:
    frame = await call.read()
    if isinstance(frame, bytes):
        return frame
    raise grpc.aio.AioRpcError(
        await call.code(),
        await call.initial_metadata(),
        await call.trailing_metadata(),
        details=await call.details(),
    )
