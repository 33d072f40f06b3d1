"""Many nodes' links over one stream: what the stream carries, without the stream."""

import asyncio
from collections.abc import AsyncGenerator

from control_plane.fleet.links import NodeLinks
from nearfield.core.errors import InvalidRequest, NearfieldError
from nearfield.core.node import NodeInfo
from nearfield.core.rpc.status import to_status
from protos.nearfield.v1 import fleet_pb2 as pb

BATCH_SECONDS = 0.05
"""What is for nodes gathers this long: a message costs as much as forty frames in it."""
LINKS_MOST = 4096


class RelayedLinks:
    """One relay's nodes; each link lives and fails by itself."""

    def __init__(self, links: NodeLinks) -> None:
        self._links = links
        self._joined: dict[int, NodeInfo] = {}
        self._pushes: dict[int, asyncio.Task[None]] = {}
        self._pending: list[pb.RelayedPlaneFrame] = []
        self._ready = asyncio.Event()

    def take(self, relayed: pb.RelayedNodeFrame) -> None:
        """Take one node's frame; a bad one ends its link with a typed error."""
        link = relayed.link
        info = self._joined.get(link)
        try:
            if relayed.closed:
                self._end(link)
            elif info is None:
                self._join(link, relayed.frame)
            elif not self._links.take(info, relayed.frame):
                self._end(link)
        except NearfieldError as error:
            self._put(pb.RelayedPlaneFrame(link=link, error=to_status(error).SerializeToString()))
            self._end(link)

    async def batches(self) -> AsyncGenerator[pb.RelayedPlaneFrames]:
        """Yield what is for nodes, gathered."""
        while True:
            await self._ready.wait()
            await asyncio.sleep(BATCH_SECONDS)
            self._ready.clear()
            frames, self._pending = self._pending, []
            yield pb.RelayedPlaneFrames(frames=frames)

    async def aclose(self) -> None:
        """Take every link for broken that did not end before."""
        pushes = list(self._pushes.values())
        for link in list(self._joined):
            self._end(link)
        await asyncio.gather(*pushes, return_exceptions=True)

    def _join(self, link: int, frame: pb.NodeFrame) -> None:
        if len(self._joined) >= LINKS_MOST:
            raise InvalidRequest(
                f"{LINKS_MOST} nodes are linked over this relay",
                field="link",
                limit=f"at most {LINKS_MOST}",
            )
        self._joined[link] = self._links.join(frame)
        self._put(pb.RelayedPlaneFrame(link=link, frame=self._links.welcome()))
        self._pushes[link] = asyncio.create_task(self._push(link, self._joined[link]))

    async def _push(self, link: int, info: NodeInfo) -> None:
        async for frame in self._links.frames(info):
            self._put(pb.RelayedPlaneFrame(link=link, frame=frame))

    def _put(self, frame: pb.RelayedPlaneFrame) -> None:
        self._pending.append(frame)
        self._ready.set()

    def _end(self, link: int) -> None:
        """A link that ended with a goodbye is not broken by its end; the registry knows."""
        info = self._joined.pop(link, None)
        push = self._pushes.pop(link, None)
        if push is not None:
            push.cancel()
        if info is not None:
            self._links.broken(info)
