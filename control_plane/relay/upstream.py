"""The one stream from a relay to its replica."""

import asyncio
import itertools
from typing import Any

import grpc
from google.rpc import status_pb2

from nearfield.core.errors import InternalError, NearfieldError, Unreachable
from nearfield.core.rpc.status import from_rpc_error, from_status
from protos.nearfield.v1 import fleet_pb2 as pb
from protos.nearfield.v1 import fleet_pb2_grpc

BATCH_SECONDS = 0.05
"""What nodes say gathers this long: their reports come once a second."""
DOWNWARD_MOST = 256
"""Frames kept for a node that does not read; one that is so far behind is cut."""

Downward = asyncio.Queue["pb.PlaneFrame | NearfieldError"]


class Upstream:
    """Carries any number of links; when it breaks, all of them do, and nodes link anew."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = fleet_pb2_grpc.FleetStub(channel)
        self._numbers = itertools.count(1)
        self._links: dict[int, Downward] = {}
        self._pending: list[pb.RelayedNodeFrame] = []
        self._ready = asyncio.Event()

    def open(self) -> tuple[int, Downward]:
        """Begin a link; returns its number and what comes down for it."""
        link, downward = next(self._numbers), Downward(DOWNWARD_MOST)
        self._links[link] = downward
        return link, downward

    def send(self, link: int, frame: pb.NodeFrame) -> None:
        """Pass on what a node says; what is for a link that has ended goes nowhere."""
        if link in self._links:
            self._put(pb.RelayedNodeFrame(link=link, frame=frame))

    def close(self, link: int) -> None:
        """Tell the replica that a node's connection ended; twice is once."""
        if self._links.pop(link, None) is not None:
            self._put(pb.RelayedNodeFrame(link=link, closed=True))

    async def carry(self) -> None:
        """Carry until the stream to the replica breaks; raises what broke it."""
        call = self._stub.Relay()
        # An iterator of requests would outlive a call that the replica ended, and take what is
        # for the next one.
        writing = asyncio.create_task(self._write(call))
        broken: NearfieldError = Unreachable("the replica ended the relay's stream")
        try:
            async for batch in call:
                for relayed in batch.frames:
                    self._deliver(relayed)
        except grpc.aio.AioRpcError as error:
            broken = from_rpc_error(error)
        finally:
            call.cancel()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            self._end_all(broken)
        raise broken

    async def _write(self, call: Any) -> None:
        while True:
            await self._ready.wait()
            await asyncio.sleep(BATCH_SECONDS)
            self._ready.clear()
            frames, self._pending = self._pending, []
            await call.write(pb.RelayedNodeFrames(frames=frames))

    def _put(self, frame: pb.RelayedNodeFrame) -> None:
        self._pending.append(frame)
        self._ready.set()

    def _deliver(self, relayed: pb.RelayedPlaneFrame) -> None:
        downward = self._links.get(relayed.link)
        if downward is None:
            return
        said: Any = _error(relayed.error) if relayed.error else relayed.frame
        try:
            downward.put_nowait(said)
        except asyncio.QueueFull:
            self.close(relayed.link)
            _drop_all_but(downward, Unreachable("the node does not read what is sent to it"))

    def _end_all(self, error: NearfieldError) -> None:
        links, self._links = self._links, {}
        self._pending.clear()  # a link that opens from now on waits here for the next stream
        for downward in links.values():
            _drop_all_but(downward, error)


def _drop_all_but(downward: Downward, error: NearfieldError) -> None:
    while not downward.empty():
        downward.get_nowait()
    downward.put_nowait(error)


def _error(status: bytes) -> NearfieldError:
    return from_status(status_pb2.Status.FromString(status)) or InternalError("an unknown error")
