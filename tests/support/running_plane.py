"""A real control-plane replica in this process, and links to it as nodes make them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc

from control_plane.bootstrap import build_plane
from control_plane.settings import PlaneSettings
from nearfield.client.admin import AdminClient
from nearfield.core.clock import Clock, monotonic
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.core.settings import TelemetrySettings
from nearfield.core.telemetry import Telemetry
from protos.nearfield.v1 import fleet_pb2, fleet_pb2_grpc, routing_pb2_grpc
from tests.support.plane_builders import TOKEN, hello
from tests.support.waiting import until_true


class NodeLink:
    """One node's stream to a replica, frame by frame."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._call = fleet_pb2_grpc.FleetStub(channel).Link()

    async def send(self, frame: fleet_pb2.NodeFrame) -> None:
        """Send one frame."""
        await self._call.write(frame)

    async def read(self) -> Any:
        """Return the next frame that tells of a Welcome or a wish, None at the end.

        Raises the typed error the replica gave.
        """
        while (frame := await self.frame()) is not None:
            if not (frame.HasField("trust") or frame.HasField("declarations")):
                return frame
        return None

    async def frame(self) -> Any:
        """Return the very next frame; see `read`."""
        try:
            frame = await self._call.read()
            if isinstance(frame, fleet_pb2.PlaneFrame):
                return frame
            code = await self._call.code()
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        if code is grpc.StatusCode.OK:
            return None
        raise from_rpc_error(await self._error(code))

    async def desired(self) -> fleet_pb2.Desired:
        """Return the next desired state."""
        frame = await self.read()
        assert frame.HasField("desired"), frame
        return frame.desired  # type: ignore[no-any-return]

    async def join(self, frame: fleet_pb2.NodeFrame | None = None) -> fleet_pb2.Welcome:
        """Send a Hello and return the Welcome."""
        await self.send(frame or hello())
        answer = await self.read()
        assert answer.HasField("welcome"), answer
        return answer.welcome  # type: ignore[no-any-return]

    async def status(self) -> grpc.StatusCode:
        """Return the status it ended with."""
        return await self._call.code()  # type: ignore[no-any-return]

    def cut(self) -> None:
        """End it without a goodbye."""
        self._call.cancel()

    async def _error(self, code: grpc.StatusCode) -> grpc.aio.AioRpcError:
        return grpc.aio.AioRpcError(
            code,
            await self._call.initial_metadata(),
            await self._call.trailing_metadata(),
            details=await self._call.details(),
        )


@dataclass(frozen=True)
class RunningPlane:
    """Where a replica listens, with an operator's client and a channel to its public port."""

    public: str
    operators: str
    admin: AdminClient
    channel: grpc.aio.Channel

    @property
    def routing(self) -> Any:
        """The Routing service."""
        return routing_pb2_grpc.RoutingStub(self.channel)

    def link(self) -> NodeLink:
        """Open a node's stream."""
        return NodeLink(self.channel)

    async def healths(self) -> dict[str, str]:
        """Return the health of every node, by name."""
        return {view.info.name: view.health.value for view in await self.admin.nodes()}


@asynccontextmanager
async def running_plane(clock: Clock = monotonic, **settings: Any) -> AsyncIterator[RunningPlane]:
    """Run a replica on free ports of loopback until the block ends."""
    loopback = {
        "listen": "127.0.0.1:0",
        "admin_listen": "127.0.0.1:0",
        "join_token": TOKEN,
        "tls": {"plaintext": True},
        "anonymous": "anybody",
    }
    async with AsyncExitStack() as stack:
        telemetry = stack.enter_context(Telemetry(TelemetrySettings(), {}))
        plane = build_plane(PlaneSettings.build({**loopback, **settings}), telemetry, clock)
        stop = asyncio.Event()
        running = asyncio.create_task(plane.run(stop))
        stack.push_async_callback(_end, stop, running)
        await until_true(lambda: _listens(plane, running), bool, "a replica that listens")
        public, operators = (f"127.0.0.1:{one.port}" for one in (plane.public, plane.admin))
        admin = await stack.enter_async_context(AdminClient(operators, PLAINTEXT))
        channel = await stack.enter_async_context(open_channel(public, PLAINTEXT))
        yield RunningPlane(public, operators, admin, channel)


async def _listens(plane: Any, running: "asyncio.Task[None]") -> bool:
    if running.done():
        running.result()
    return plane.admin.port != 0


async def _end(stop: asyncio.Event, running: "asyncio.Task[None]") -> None:
    stop.set()
    await running
