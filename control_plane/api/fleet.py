"""The Fleet service: one stream a node."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from control_plane.fleet.links import NodeLinks
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
        """Run one link; the node's frames come up while its desired state goes down."""
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

    async def _push(self, info: NodeInfo, context: Any) -> None:
        async for frame in self._links.desired(info):
            await context.write(frame)
