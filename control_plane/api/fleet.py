"""The Fleet service: one stream a node, or one for a relay's many."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from control_plane.fleet.links import NodeLinks
from control_plane.fleet.relayed import RelayedLinks
from nearfield.core.node import NodeInfo
from protos.nearfield.v1 import fleet_pb2, fleet_pb2_grpc

SERVICE = "nearfield.v1.Fleet"


class FleetService(fleet_pb2_grpc.FleetServicer):
    """Takes nodes in."""

    def __init__(self, links: NodeLinks) -> None:
        self._links = links

    async def Link(  # type: ignore[override]
        self, frames: AsyncIterator[fleet_pb2.NodeFrame], context: Any
    ) -> None:
        """Run one link; the node's frames come up while what it is to know goes down."""
        first = await anext(aiter(frames), None)
        if first is None:
            return
        info = self._links.join(first)
        try:
            await context.write(self._links.welcome())
            push = asyncio.create_task(self._push(info, context))
            try:
                async for frame in frames:
                    if not self._links.take(info, frame):
                        return
            finally:
                push.cancel()
                await asyncio.gather(push, return_exceptions=True)
        finally:
            self._links.broken(info)

    async def Relay(  # type: ignore[override]
        self, batches: AsyncIterator[fleet_pb2.RelayedNodeFrames], context: Any
    ) -> None:
        """Run the links of a relay's nodes."""
        relayed = RelayedLinks(self._links)
        push = asyncio.create_task(_write(relayed, context))
        try:
            async for batch in batches:
                for frame in batch.frames:
                    relayed.take(frame)
        finally:
            push.cancel()
            await asyncio.gather(push, return_exceptions=True)
            await relayed.aclose()

    async def _push(self, info: NodeInfo, context: Any) -> None:
        async for frame in self._links.frames(info):
            await context.write(frame)


async def _write(relayed: RelayedLinks, context: Any) -> None:
    async for batch in relayed.batches():
        await context.write(batch)
