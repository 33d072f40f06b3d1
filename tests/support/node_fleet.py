"""A replica's end of the link for tests of the node's: a real gRPC server that plays a script."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from nearfield.core.errors import NearfieldError
from nearfield.core.node import Desired, NodeInfo, NodeLoad, NodeState
from nearfield.core.policy import DeclaredPrefix
from nearfield.core.protocol import VERSION
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.core.trust import Trust
from nearfield.core.wire.node import desired_to_wire
from nearfield.core.wire.trust import trust_to_wire
from protos.nearfield.v1 import fleet_pb2 as pb
from protos.nearfield.v1 import fleet_pb2_grpc
from tests.support.records import node_info


class ScriptedFleet(fleet_pb2_grpc.FleetServicer):
    """Notes every frame; `refusal` answers a Hello with an error, `send` sends what it is given."""

    def __init__(self) -> None:
        self.frames: list[pb.NodeFrame] = []
        self.links = 0
        self.version = VERSION
        self.interval = 60.0
        self.silent = False
        self.trust = Trust()
        self.refusal: NearfieldError | None = None
        self._call: Any = None
        self._cut = asyncio.Event()
        self.server = RpcServer("127.0.0.1:0", ("nearfield.v1.Fleet",), PLAINTEXT)
        fleet_pb2_grpc.add_FleetServicer_to_server(self, self.server.grpc)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    @property
    def hellos(self) -> list[pb.Hello]:
        return [frame.hello for frame in self.frames if frame.HasField("hello")]

    @property
    def reports(self) -> list[pb.Report]:
        return [frame.report for frame in self.frames if frame.HasField("report")]

    @property
    def summaries(self) -> list[pb.PrefixSummary]:
        return [frame.prefixes for frame in self.frames if frame.HasField("prefixes")]

    @property
    def goodbyes(self) -> list[pb.Goodbye]:
        return [frame.goodbye for frame in self.frames if frame.HasField("goodbye")]

    async def push(self, desired: Desired) -> None:
        """Send a desired state down the open link."""
        await self.send(pb.PlaneFrame(desired=desired_to_wire(desired)))

    async def send(self, frame: pb.PlaneFrame) -> None:
        """Send any frame down the open link."""
        await self._call.write(frame)

    def cut(self) -> None:
        """End the open link from this side."""
        self._cut.set()

    async def Link(self, frames: AsyncIterator[pb.NodeFrame], context: Any) -> None:
        self.links += 1
        self._cut.clear()
        self._call = context
        self.frames.append(await anext(aiter(frames)))
        if self.refusal is not None:
            raise self.refusal
        if self.silent:
            return
        welcome = pb.Welcome(
            replica_id="replica-1",
            protocol_version=self.version,
            report_interval_seconds=self.interval,
            trust=trust_to_wire(self.trust),
        )
        await context.write(pb.PlaneFrame(welcome=welcome))
        taking = asyncio.create_task(self._take(frames))
        cut = asyncio.create_task(self._cut.wait())
        await asyncio.wait((taking, cut), return_when=asyncio.FIRST_COMPLETED)
        taking.cancel()
        cut.cancel()
        await asyncio.gather(taking, cut, return_exceptions=True)

    async def _take(self, frames: AsyncIterator[pb.NodeFrame]) -> None:
        async for frame in frames:
            self.frames.append(frame)
            if frame.HasField("goodbye"):
                return


@asynccontextmanager
async def scripted_fleet() -> AsyncIterator[ScriptedFleet]:
    """Serve a replica on a free port."""
    fleet = ScriptedFleet()
    async with fleet.server:
        yield fleet


class StillNode:
    """A reporter that changes, and whose time passes, only when a test says so."""

    def __init__(self) -> None:
        self.info: NodeInfo = node_info()
        self.state = NodeState.READY
        self.reason = ""
        self.applied_revision = 0
        self.applied: list[Desired] = []
        self.now = NodeLoad(running=3, slots=16)
        self.hot: dict[int, int] = {}
        self.learnt: list[tuple[str, Trust]] = []
        self.declared: list[tuple[DeclaredPrefix, ...]] = []
        self.waits: list[float] = []
        self._woken: asyncio.Queue[bool] = asyncio.Queue()

    def load(self) -> NodeLoad:
        return self.now

    def hot_prefixes(self) -> Mapping[int, int]:
        return dict(self.hot)

    def learn(self, replica: str, trust: Trust) -> None:
        self.learnt.append((replica, trust))

    def declare(self, prefixes: tuple[DeclaredPrefix, ...]) -> None:
        self.declared.append(prefixes)

    def change(self) -> None:
        """Have something to report now."""
        self._woken.put_nowait(True)

    def let_pass(self, waits: int = 1) -> None:
        """Let the time of so many waits pass, without a change."""
        for _ in range(waits):
            self._woken.put_nowait(False)

    @property
    def changes(self) -> int:
        return 0

    async def wait_for_change(self, seen: int, seconds: float) -> bool:
        self.waits.append(seconds)
        return await self._woken.get()

    async def apply(self, desired: Desired) -> None:
        self.applied.append(desired)
        self.applied_revision = desired.revision
        self.change()


@asynccontextmanager
async def background(run: Callable[[], Any]) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a coroutine beside the test and end it with the test."""
    task = asyncio.create_task(run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
