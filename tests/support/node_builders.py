"""Node agents and their parts for tests, each one thought long."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nearfield.core.inference import Delta, Event, Finished, Prompt, Request, TextPrompt
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import PLAINTEXT
from nearfield.core.telemetry import Telemetry
from nearfield.core.wire.inference import event_from_wire, request_to_wire
from node_agent.admission.tickets import TicketGate, TrustStore
from node_agent.answers import Answers
from node_agent.bootstrap import build_agent, node_info
from node_agent.engine.simulated import SimulatedEngine
from node_agent.hardware.host import HostProbe
from node_agent.intake import Intake
from node_agent.load import LoadMeter
from node_agent.prefixes import Prefixes
from node_agent.rates import Rates
from node_agent.settings import NodeSettings
from node_agent.workload import Workload
from protos.nearfield.v1 import inference_pb2 as pb
from protos.nearfield.v1 import inference_pb2_grpc
from tests.support.tickets import NOW

PATIENCE_SECONDS = 30.0


async def eventually(condition: Callable[[], object], within: float = PATIENCE_SECONDS) -> None:
    """Return once `condition` holds; raises TimeoutError if it never does."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - conditions of many kinds, none with an event
            await asyncio.sleep(0.01)


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def node_settings(**changes: Any) -> NodeSettings:
    """Return settings of a node that serves alone on a free port."""
    values = {
        "name": "fra1-a",
        "pop": "fra1",
        "position": "50.11,8.68",
        "jurisdiction": "eu",
        "listen": "127.0.0.1:0",
        "advertise": "127.0.0.1:7600",
        "tls": {"plaintext": True},
    }
    return NodeSettings.build({**values, **changes})


def request(prompt: Prompt | str = "hello", **changes: Any) -> Request:
    """Return a request to the simulated engine's model."""
    text = TextPrompt(prompt) if isinstance(prompt, str) else prompt
    fields: dict[str, Any] = {"request_id": "req-1", "model": "simulated", "prompt": text}
    return Request(**{**fields, **changes})


@dataclass
class Desk:
    """Answers over a simulated engine, with all that they lean on in reach."""

    engine: SimulatedEngine = field(default_factory=SimulatedEngine)
    queue: int = 64
    clock: HandClock = field(default_factory=HandClock)
    tickets_required: bool = False

    def __post_init__(self) -> None:
        self.workload, self.rates = Workload(), Rates()
        self.intake = Intake(self.workload, self.engine.clear_prefix_cache)
        self.meter = LoadMeter(self.engine, self.workload, self.rates, HostProbe())
        self.prefixes = Prefixes(self.engine.info.block_tokens, 4096)
        self.engine.follow_cache(self.prefixes)
        self.trust = TrustStore(self.clock)
        self.node = node_info(node_settings(), self.engine, HostProbe())
        self.answers = Answers(
            self.engine,
            self.node,
            self.intake,
            self.workload,
            self.rates,
            self.meter,
            TicketGate(self.trust, required=self.tickets_required, wall=lambda: NOW),
            self.prefixes,
            queue=self.queue,
            clock=self.clock,
        )

    async def answer(self, wanted: Request) -> list[Event]:
        """Read, admit and run a request, as the service does."""
        prompt = await self.answers.read(wanted)
        with self.answers.admit(wanted, prompt, self.clock()) as admission:
            return [event async for event in self.answers.run(admission)]


class Caller:
    """Calls one node's Inference and health services over a connection of its own."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.channel = open_channel(address, PLAINTEXT)
        self._generate = inference_pb2_grpc.InferenceStub(self.channel).Generate
        self._check = health_pb2_grpc.HealthStub(self.channel).Check

    def start(self, wanted: Request | pb.GenerateRequest, timeout: float | None = None) -> Any:
        """Begin a call and return it."""
        message = request_to_wire(wanted) if isinstance(wanted, Request) else wanted
        return self._generate(message, timeout=timeout)

    async def ask(self, wanted: Request | pb.GenerateRequest) -> list[Event]:
        """Return the whole answer; raises the error that the node raised."""
        return await whole(self.start(wanted))

    async def serving(self, service: str = "") -> bool:
        """Whether the health service calls it SERVING."""
        answer = await self._check(health_pb2.HealthCheckRequest(service=service))
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def whole(call: AsyncIterable[pb.GenerateEvent]) -> list[Event]:
    """Return every event of a call; raises the error that the node raised."""
    try:
        events = [event_from_wire(message) async for message in call]
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error, admitted=True) from error
    return [event for event in events if event is not None]


def text_of(events: list[Event]) -> str:
    """Return the answer's text."""
    return "".join(event.text for event in events if isinstance(event, Delta))


def end_of(events: list[Event]) -> Finished:
    """Return the last event, which must be the end."""
    assert isinstance(events[-1], Finished)
    return events[-1]


@dataclass
class RunningAgent:
    """An agent that serves; `ended` gives what its run returns."""

    caller: Caller
    stop: asyncio.Event
    ended: "asyncio.Task[str]"


@asynccontextmanager
async def running_agent(engine: SimulatedEngine, /, **changes: Any) -> AsyncIterator[RunningAgent]:
    """Run an agent on a free port, wired as in production; stops it in the end."""
    settings = node_settings(**changes)
    with Telemetry(settings.telemetry, {}) as telemetry:
        agent = build_agent(settings, engine, HostProbe(), telemetry)
        stop = asyncio.Event()
        ended = asyncio.create_task(agent.run(stop))
        server = agent._server  # a free port is known to nobody else
        await eventually(lambda: server.port or ended.done())
        caller = Caller(f"127.0.0.1:{server.port}")
        try:
            yield RunningAgent(caller, stop, ended)
        finally:
            await caller.channel.close()
            stop.set()
            await asyncio.gather(ended, return_exceptions=True)
