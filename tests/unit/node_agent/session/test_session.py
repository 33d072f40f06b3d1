"""Frames as a client of any language may send them, to a served node."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from nearfield.core.errors import (
    InternalError,
    InvalidRequest,
    NearfieldError,
    Overloaded,
    SlowReader,
    TimedOut,
)
from nearfield.core.inference import Delta, Finished, Request, Sampling
from nearfield.core.node import NodeLoad
from nearfield.core.session import LOAD_STREAM, Admitted, Reply
from nearfield.core.wire.session import (
    cancel_to_wire,
    reply_from_wire,
    start_to_wire,
    told_load,
    window_to_wire,
)
from node_agent.session import session, streams
from node_agent.session.generation import Generations
from node_agent.session.session import Session
from protos.nearfield.v1 import inference_pb2 as pb
from tests.support.node_builders import eventually, request
from tests.support.transports import Served, desk, served


class Wire:
    """A session's stream, frame by frame."""

    def __init__(self, node: Served) -> None:
        self.call: Any = node.stub.Session()
        self._waiting: list[tuple[int, Reply]] = []
        self.loads: list[NodeLoad] = []

    async def send(self, *calls: pb.SessionCall) -> None:
        await self.call.write(pb.SessionCalls(calls=calls))

    async def reply(self) -> tuple[int, Reply]:
        """Return the next reply, whatever message it came in."""
        while not self._waiting:
            message = await self.call.read()
            assert message is not grpc.aio.EOF, "the node ended the session"
            for frame in message.replies:
                self._take(frame)
        return self._waiting.pop(0)

    def _take(self, frame: pb.SessionReply) -> None:
        if (load := told_load(frame)) is not None:
            assert frame.stream == LOAD_STREAM
            self.loads.append(load)
            return
        reply = reply_from_wire(frame)
        assert reply is not None
        self._waiting.append((frame.stream, reply))

    async def load(self) -> NodeLoad:
        """Return the next load that is told on the session."""
        while not self.loads:
            message = await self.call.read()
            assert message is not grpc.aio.EOF, "the node ended the session"
            for frame in message.replies:
                self._take(frame)
        return self.loads.pop(0)

    async def end_of(self, stream: int) -> Finished | NearfieldError:
        """Return what ends a stream."""
        while True:
            number, reply = await self.reply()
            if number == stream and isinstance(reply, Finished | NearfieldError):
                return reply


@pytest.fixture
async def node() -> AsyncIterator[Served]:
    async with served(desk(slots=8)) as made:
        yield made


@pytest.fixture
def wire(node: Served) -> Wire:
    return Wire(node)


def start(
    stream: int, wanted: Request | None = None, timeout: float | None = None, window: int = 0
) -> pb.SessionCall:
    return start_to_wire(stream, wanted or request(), {}, timeout, window)


def long(max_tokens: int = 16_000) -> Request:
    return request(sampling=Sampling(max_tokens=max_tokens))


class Idle(Generations):
    """A node on which nothing runs, and nothing is admitted."""

    def __init__(self) -> None:
        self.asked = 0

    def load(self) -> NodeLoad:
        self.asked += 1
        return NodeLoad()


async def _drain(call: Any) -> None:
    async for _ in call:
        pass


async def test_admission_comes_first_with_the_node_s_load(wire: Wire) -> None:
    await wire.send(start(1))
    stream, reply = await wire.reply()
    assert stream == 1
    assert isinstance(reply, Admitted)
    assert (reply.load.slots, reply.load.waiting) == (8, 1)
    assert isinstance(await wire.end_of(1), Finished)


async def test_starts_of_one_message_all_run(wire: Wire) -> None:
    await wire.send(*(start(number) for number in (1, 2, 9)))
    ended = set()
    while len(ended) < 3:
        stream, reply = await wire.reply()
        if isinstance(reply, Finished):
            ended.add(stream)
    assert ended == {1, 2, 9}


async def test_a_cancelled_stream_is_heard_no_more_and_its_slot_is_free(
    node: Served, wire: Wire
) -> None:
    await wire.send(start(1, long()), start(2, long()))
    await eventually(lambda: node.desk.workload.running == 2)
    await wire.send(cancel_to_wire(1))
    await eventually(lambda: node.desk.workload.in_flight == 1)
    await wire.send(cancel_to_wire(2), start(3))
    assert isinstance(await wire.end_of(3), Finished)


async def test_a_stream_that_is_cancelled_with_its_start_never_runs(
    node: Served, wire: Wire
) -> None:
    await wire.send(start(1, long()), cancel_to_wire(1), start(2))
    assert isinstance(await wire.end_of(2), Finished)
    assert node.desk.workload.in_flight == 0


async def test_words_for_streams_that_are_not_open_are_too_late_and_harm_nobody(
    wire: Wire,
) -> None:
    await wire.send(cancel_to_wire(7), window_to_wire(8, 5), pb.SessionCall(stream=9), start(1))
    assert isinstance(await wire.end_of(1), Finished)


async def test_a_number_used_again_ends_that_stream_with_an_error(node: Served, wire: Wire) -> None:
    await wire.send(start(4, long()), start(5, long()))
    await eventually(lambda: node.desk.workload.running == 2)
    await wire.send(start(4))
    error = await wire.end_of(4)
    assert isinstance(error, InvalidRequest)
    assert error.field == "stream"
    await eventually(lambda: node.desk.workload.in_flight == 1)


async def test_the_window_holds_an_answer_until_it_is_read(node: Served, wire: Wire) -> None:
    await wire.send(start(1, long(20), window=5))
    await eventually(lambda: node.desk.workload.in_flight == 0)
    await wire.send(start(2))
    got, ends = 0, []
    while 2 not in ends:
        stream, reply = await wire.reply()
        got += len(reply.token_ids) if stream == 1 and isinstance(reply, Delta) else 0
        ends += [stream] if isinstance(reply, Finished) else []
    assert (got, ends) == (5, [2])
    await wire.send(window_to_wire(1, 15))
    assert isinstance(await wire.end_of(1), Finished)


async def test_a_slow_reader_is_evicted_and_the_others_go_on(wire: Wire, node: Served) -> None:
    await wire.send(start(1, long(), window=5), start(2, long()))
    await eventually(lambda: node.desk.workload.running == 2)
    error = await wire.end_of(1)
    assert isinstance(error, SlowReader)
    assert (error.resumable, error.limit) == (True, "4096 tokens")
    assert node.desk.workload.in_flight == 1


async def test_a_deadline_ends_its_own_stream(node: Served, wire: Wire) -> None:
    await wire.send(start(1, long(), timeout=0.05), start(2, long()))
    error = await wire.end_of(1)
    assert isinstance(error, TimedOut)
    assert (error.field, error.limit) == ("timeout_seconds", "0.05 s")
    await eventually(lambda: node.desk.workload.in_flight == 1)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
async def test_a_timeout_that_is_none_is_refused(wire: Wire, timeout: float) -> None:
    await wire.send(start(1, timeout=timeout))
    error = await wire.end_of(1)
    assert isinstance(error, InvalidRequest)
    assert error.field == "timeout_seconds"


async def test_one_stream_too_many_is_refused_alone(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAMS_MOST", 2)
    await wire.send(*(start(number, long(50)) for number in (1, 2, 3)))
    assert isinstance(await wire.end_of(3), Overloaded)
    assert isinstance(await wire.end_of(2), Finished)


async def test_refusals_without_end_are_all_told_to_a_client_that_reads(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAMS_MOST", 2)
    monkeypatch.setattr(streams, "REFUSALS_MOST", 2)
    await wire.send(*(start(number, long()) for number in range(1, 51)))
    for number in range(3, 51):
        assert isinstance(await wire.end_of(number), Overloaded)


async def test_a_client_that_reads_no_refusals_is_not_read_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "STREAMS_MOST", 0)
    monkeypatch.setattr(streams, "REFUSALS_MOST", 3)
    open_again, sent, written = asyncio.Event(), 0, 0

    async def calls() -> AsyncIterator[pb.SessionCalls]:
        nonlocal sent
        for sent in range(1, 51):
            yield pb.SessionCalls(calls=[start(sent)])
            await asyncio.sleep(0)

    async def write(message: pb.SessionReplies) -> None:
        nonlocal written
        await open_again.wait()
        written += sum(one.stream != LOAD_STREAM for one in message.replies)

    serving = asyncio.create_task(Session(Idle(), write).serve(calls()))
    for _ in range(500):
        await asyncio.sleep(0)
    assert sent < 10
    open_again.set()
    await serving
    assert (sent, written) == (50, 50)


async def test_what_is_no_message_ends_the_session_and_frees_its_slots(node: Served) -> None:
    call = node.channel.stream_stream("/nearfield.v1.Inference/Session")()
    good = pb.SessionCalls(calls=[start(1, long()), start(2, long())])
    await call.write(good.SerializeToString())
    await eventually(lambda: node.desk.workload.running == 2)
    await call.write(b"\xff" * 64)
    with pytest.raises(grpc.aio.AioRpcError):
        await _drain(call)
    await eventually(lambda: node.desk.workload.in_flight == 0)


async def test_a_client_that_ends_its_calls_still_gets_its_answers(wire: Wire) -> None:
    await wire.send(start(1, long(100), window=5), start(2))
    await wire.call.done_writing()
    assert isinstance(await wire.end_of(1), Finished)
    assert await wire.call.read() is grpc.aio.EOF


async def test_a_client_that_is_gone_leaves_nothing_behind(node: Served, wire: Wire) -> None:
    await wire.send(*(start(number, long()) for number in range(1, 5)))
    await eventually(lambda: node.desk.workload.running == 4)
    wire.call.cancel()
    await eventually(lambda: node.desk.workload.in_flight == 0)


async def test_a_session_opens_with_the_node_s_load(node: Served, wire: Wire) -> None:
    load = await wire.load()
    assert (load.running, load.waiting, load.slots) == (0, 0, 8)


async def test_a_load_that_changes_is_told_on_a_session_where_nothing_runs(
    node: Served, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "LOAD_SECONDS", 0.01)
    watching = Wire(node)
    assert (await watching.load()).running == 0
    await wire.send(start(1, long()), start(2, long()))
    while (await watching.load()).running < 2:
        pass
    await wire.send(cancel_to_wire(1), cancel_to_wire(2))
    while (await watching.load()).running:
        pass


async def test_a_load_that_stays_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LOAD_SECONDS", 0.0)
    idle, written = Idle(), list[pb.SessionReplies]()
    over = asyncio.Event()

    async def calls() -> AsyncIterator[pb.SessionCalls]:
        await over.wait()
        yield pb.SessionCalls()

    async def write(message: pb.SessionReplies) -> None:
        written.append(message)

    serving = asyncio.create_task(Session(idle, write).serve(calls()))
    await eventually(lambda: idle.asked > 50)
    over.set()
    await serving
    assert len(written) == 1


async def test_a_load_that_cannot_be_read_ends_the_session_with_why() -> None:
    class Broken(Idle):
        def load(self) -> NodeLoad:
            raise InternalError("no engine")

    async def calls() -> AsyncIterator[pb.SessionCalls]:
        await asyncio.Event().wait()
        yield pb.SessionCalls()

    async def write(message: pb.SessionReplies) -> None:
        pass

    with pytest.raises(InternalError, match="no engine"):
        await Session(Broken(), write).serve(calls())


async def test_a_session_where_nothing_runs_ends_as_the_node_leaves(
    node: Served, wire: Wire
) -> None:
    await wire.load()
    node.server.leaving.set()
    assert await wire.call.code() is grpc.StatusCode.OK


async def test_what_runs_as_the_node_leaves_comes_to_its_end(node: Served, wire: Wire) -> None:
    await wire.send(start(1, long(100), window=5))
    await eventually(lambda: node.desk.workload.running == 1)
    node.server.leaving.set()
    assert isinstance(await wire.end_of(1), Finished)
    assert await wire.call.read() is grpc.aio.EOF
