import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import zmq
from vllm.distributed.kv_events import (
    AllBlocksCleared,
    BlockRemoved,
    KVEventBatch,
    ZmqEventPublisher,
)

from node_agent.engine.vllm.event_sockets import EventSockets, remove_stale
from node_agent.engine.vllm.events import KvEvents
from node_agent.engine.vllm.replay import replay
from node_agent.kv_cache.blocks import BlocksRemoved, KvEvent
from tests.support.waiting import until, until_true

GAP = "gap"


async def eventually(condition: Callable[[], object]) -> None:
    async def read() -> bool:
        return bool(condition())

    await until(read, True)


class Publisher:
    """vLLM's own end of the sockets; every batch says its place among all that were published."""

    def __init__(self, events: KvEvents, buffer_steps: int = 10_000, first: int = 0) -> None:
        config = events.config()
        self._inner = ZmqEventPublisher(
            0, config.endpoint, config.replay_endpoint, buffer_steps=buffer_steps
        )
        self._endpoint = config.replay_endpoint
        self.sent: list[int] = []
        self._place = first

    def send(self) -> None:
        event = BlockRemoved([self._place], medium="GPU")
        self._inner.publish(KVEventBatch(ts=float(self._place), events=[event]))
        self.sent.append(self._place)
        self._place += 1

    async def send_and_wait(self, batches: int) -> None:
        """Return once the last of them has gone out, to whoever listens by then."""
        for _ in range(batches):
            self.send()
        await until_true(
            lambda: replay(self._endpoint, batches - 1, batches + 1),
            lambda found: [number for number, _ in found] == [batches - 1],
        )

    def close(self) -> None:
        self._inner.shutdown()


class Log:
    """What a follower was told, in order; gaps in a row count as one."""

    def __init__(self, events: KvEvents) -> None:
        self.said: list[int | str] = []
        events.listen(self._event, self._gap)

    def _event(self, event: KvEvent) -> None:
        assert isinstance(event, BlocksRemoved)
        self.said += [int(name) for name in event.hashes]

    def _gap(self) -> None:
        if self.said[-1:] != [GAP]:
            self.said.append(GAP)

    async def until_heard(self, publisher: Publisher) -> None:
        """Go on publishing until the newest batch has come: a subscription takes its time."""

        def caught_up() -> bool:
            if self.said[-1:] == publisher.sent[-1:]:
                return True
            publisher.send()
            return False

        publisher.send()
        await eventually(caught_up)


@contextmanager
def publishing(events: KvEvents, buffer_steps: int = 10_000, first: int = 0) -> Iterator[Publisher]:
    publisher = Publisher(events, buffer_steps, first)
    try:
        yield publisher
    finally:
        publisher.close()


@pytest.fixture
async def events() -> AsyncIterator[KvEvents]:
    """What follows an engine; closed in the end."""
    events = KvEvents()
    yield events
    await events.aclose()


async def test_batches_that_came_before_the_subscription_are_replayed_in_order(
    events: KvEvents,
) -> None:
    log = Log(events)
    with publishing(events) as publisher:
        await publisher.send_and_wait(50)
        events.follow()
        await log.until_heard(publisher)
        assert log.said == publisher.sent
        assert events.evicted_blocks == len(publisher.sent)


async def test_what_the_replay_no_longer_has_is_a_gap_and_the_rest_follows(
    events: KvEvents,
) -> None:
    log = Log(events)
    with publishing(events, buffer_steps=3) as publisher:
        await publisher.send_and_wait(50)
        events.follow()
        await log.until_heard(publisher)
        gaps = [place for place, said in enumerate(log.said) if said == GAP]
        assert gaps[0] == 0
        after = log.said[gaps[-1] + 1 :]
        assert 0 < len(after) < len(publisher.sent)
        assert after == publisher.sent[-len(after) :]


async def test_an_engine_that_began_anew_is_a_gap_and_is_followed_from_its_start(
    events: KvEvents,
) -> None:
    log = Log(events)
    with publishing(events) as old:
        events.follow()
        await log.until_heard(old)
    before = list(log.said)
    with publishing(events, first=10_000) as new:
        await log.until_heard(new)
        assert log.said == [*before, GAP, *new.sent]


@contextmanager
def by_hand(events: KvEvents) -> Iterator[zmq.Socket[bytes]]:
    """An engine's end that publishes any bytes and answers no replay."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.bind(events.config().endpoint)
        yield socket


def frames(number: int, *events: object) -> list[bytes]:
    payload = msgspec.msgpack.encode(KVEventBatch(ts=1.0, events=list(events)))
    return [b"", number.to_bytes(8, "big"), payload]


async def test_every_removed_block_counts_as_evicted(events: KvEvents) -> None:
    with by_hand(events) as socket:
        events.follow()
        await eventually(lambda: socket.poll(0))  # the subscription has arrived
        socket.send_multipart(frames(0, BlockRemoved([1, 2], medium="GPU"), AllBlocksCleared()))
        socket.send_multipart(frames(1, BlockRemoved([3], medium="GPU")))
        await eventually(lambda: events.evicted_blocks >= 3)
        assert events.evicted_blocks == 3


async def test_a_batch_of_an_unknown_kind_is_a_gap_and_not_the_end(events: KvEvents) -> None:
    log = Log(events)
    with by_hand(events) as socket:
        events.follow()
        await eventually(lambda: socket.poll(0))
        strange = msgspec.msgpack.encode([1.0, [["BlockDreamt", 7]]])
        socket.send_multipart([b"", (0).to_bytes(8, "big"), strange])
        socket.send_multipart(frames(1, BlockRemoved([3], medium="GPU")))
        await eventually(lambda: log.said[-1:] == [3])
        assert log.said == [GAP, 3]


async def test_a_replay_that_never_answers_is_a_gap_within_its_time(
    events: KvEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node_agent.engine.vllm.replay.REPLAY_SECONDS", 0.05)
    log = Log(events)
    with by_hand(events) as socket:
        events.follow()
        await eventually(lambda: socket.poll(0))
        socket.send_multipart(frames(0, BlockRemoved([0], medium="GPU")))
        socket.send_multipart(frames(5, BlockRemoved([5], medium="GPU")))
        await eventually(lambda: log.said[-1:] == [5])
        assert log.said == [0, GAP, 5]


async def test_closing_twice_leaves_neither_socket_behind() -> None:
    events = KvEvents()
    config = events.config()
    paths = [Path(url.removeprefix("ipc://")) for url in (config.endpoint, config.replay_endpoint)]
    with publishing(events):
        events.follow()
        assert [path.exists() for path in paths] == [True, True]
        await events.aclose()
    assert [path.exists() for path in paths] == [False, False]
    await events.aclose()


async def test_two_engines_of_one_host_have_sockets_of_their_own() -> None:
    mine, other = KvEvents().config(), KvEvents().config()
    ends = {mine.endpoint, mine.replay_endpoint, other.endpoint, other.replay_endpoint}
    assert len(ends) == 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where sockets go."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def dead_process() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def test_sockets_of_a_process_that_is_gone_are_taken_away_and_no_others(folder: Path) -> None:
    living = Path(EventSockets().events.removeprefix("ipc://"))
    dead = dead_process()
    stale = [folder / f"nearfield-kv-{dead}-00ff.{end}" for end in ("events", "replay")]
    kept = [living, folder / f"nearfield-kv-{dead}-00ff.txt", folder / f"other-{dead}-00ff.events"]
    for path in (*stale, *kept):
        path.touch()
    remove_stale()
    assert sorted(folder.iterdir()) == sorted(kept)
