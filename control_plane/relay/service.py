"""The Fleet service as a relay offers it: a node sees no difference to a replica."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from control_plane.relay.upstream import Downward, Upstream
from nearfield.core.errors import NearfieldError, Unsupported
from protos.nearfield.v1 import fleet_pb2, fleet_pb2_grpc

SERVICE = "nearfield.v1.Fleet"


class RelayService(fleet_pb2_grpc.FleetServicer):
    """Passes links on, without a look into them."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def Link(  # type: ignore[override]
        self, frames: AsyncIterator[fleet_pb2.NodeFrame], context: Any
    ) -> None:
        """Run one node's link over the shared stream; raises what ended it above."""
        link, downward = self._upstream.open()
        down = asyncio.create_task(_pass_down(downward, context))
        up = asyncio.create_task(self._pass_up(link, frames))
        try:
            done, _ = await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            self._upstream.close(link)

    async def Relay(  # type: ignore[override]
        self, batches: AsyncIterator[fleet_pb2.RelayedNodeFrames], context: Any
    ) -> None:
        """Refuse: one relay a region is what bounds the links of a replica."""
        raise Unsupported("a relay takes nodes, not relays", field="Relay", limit="Link")

    async def _pass_up(self, link: int, frames: AsyncIterator[fleet_pb2.NodeFrame]) -> None:
        async for frame in frames:
            self._upstream.send(link, frame)


async def _pass_down(downward: Downward, context: Any) -> None:
    while True:
        said = await downward.get()
        if isinstance(said, NearfieldError):
            raise said
        await context.write(said)
