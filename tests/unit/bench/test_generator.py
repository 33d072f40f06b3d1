import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

import pytest

from bench.generator import UNFINISHED, closed_loop, drive
from bench.sample import Sample, SampleOutcome
from nearfield.core.errors import InvalidRequest, NearfieldError, Overloaded, StreamBroken

T = TypeVar("T")


class FakeTime:
    """A clock that jumps to the next sleeper once nothing else can run."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        awake = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.now + seconds, self._count, awake))
        await awake

    async def run(self, work: Coroutine[object, object, T]) -> T:
        task = asyncio.create_task(work)
        while not await self._settled(task):
            moment, _, awake = heapq.heappop(self._sleepers)
            if not awake.cancelled():
                self.now = moment
                awake.set_result(None)
        return await task

    async def _settled(self, task: asyncio.Task[T]) -> bool:
        for _ in range(20):
            await asyncio.sleep(0)
        return task.done()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def answering(time: FakeTime, *seconds: float) -> Callable[[int], Awaitable[Sample]]:
    async def send(index: int) -> Sample:
        await time.sleep(seconds[index % len(seconds)])
        return Sample(first_token=time.clock(), finished=time.clock(), node=f"node-{index}")

    return send


def raising(error: BaseException) -> Callable[[int], Awaitable[Sample]]:
    async def send(index: int) -> Sample:
        raise error

    return send


async def open_loop(
    time: FakeTime,
    arrivals: list[float],
    send: Callable[[int], Awaitable[Sample]],
    *,
    grace: float = 60.0,
    on_progress: Callable[[Sample | None], None] = lambda sample: None,
) -> list[Sample]:
    return await time.run(
        drive(
            arrivals,
            send,
            clock=time.clock,
            sleep=time.sleep,
            grace=grace,
            on_progress=on_progress,
        )
    )


async def test_the_open_loop_does_not_wait_for_slow_answers(time: FakeTime) -> None:
    samples = await open_loop(time, [0.5, 1.0, 1.5, 2.0], answering(time, 30.0))
    assert [one.sent for one in samples] == [0.5, 1.0, 1.5, 2.0]
    assert [one.first_token for one in samples] == [30.5, 31.0, 31.5, 32.0]


async def test_requests_of_one_moment_all_start_at_it(time: FakeTime) -> None:
    samples = await open_loop(time, [1.0] * 50, answering(time, 3.0))
    assert {(one.sent, one.finished) for one in samples} == {(1.0, 4.0)}


async def test_ttft_counts_from_the_meant_moment_when_the_generator_is_late(
    time: FakeTime,
) -> None:
    async def oversleep(seconds: float) -> None:
        await time.sleep(seconds + 0.25)

    samples = await time.run(
        drive([1.0, 2.0], answering(time, 0.5), clock=time.clock, sleep=oversleep)
    )
    assert [one.schedule_delay for one in samples] == pytest.approx([0.25, 0.25])
    assert [one.ttft for one in samples] == pytest.approx([0.75, 0.75])


async def test_samples_come_in_order_of_arrival_with_their_own_fields(time: FakeTime) -> None:
    samples = await open_loop(time, [0.0, 1.0, 2.0], answering(time, 9.0, 5.0, 1.0))
    assert [(one.index, one.scheduled, one.node) for one in samples] == [
        (0, 0.0, "node-0"),
        (1, 1.0, "node-1"),
        (2, 2.0, "node-2"),
    ]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Overloaded("queue full"), SampleOutcome.REJECTED),
        (StreamBroken("gone"), SampleOutcome.FAILED),
    ],
)
async def test_a_named_error_becomes_a_sample(
    time: FakeTime, error: NearfieldError, outcome: SampleOutcome
) -> None:
    (sample,) = await open_loop(time, [2.0], raising(error))
    assert sample.outcome is outcome
    assert sample.error == f"{type(error).__name__}: {error}"
    assert (sample.scheduled, sample.first_token, sample.finished) == (2.0, None, 2.0)


async def test_one_failure_leaves_the_others_alone(time: FakeTime) -> None:
    slow = answering(time, 5.0)

    async def send(index: int) -> Sample:
        if index == 1:
            raise StreamBroken("gone")
        return await slow(index)

    samples = await open_loop(time, [0.0, 1.0, 2.0], send)
    assert [one.outcome for one in samples] == ["ok", "failed", "ok"]


async def test_an_unnamed_error_ends_the_run(time: FakeTime) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await open_loop(time, [0.0, 1.0], raising(ZeroDivisionError()))
    assert caught.group_contains(ZeroDivisionError)


async def test_what_outlasts_the_grace_is_cancelled_and_failed(time: FakeTime) -> None:
    samples = await open_loop(time, [0.0, 10.0], answering(time, 1000.0, 2.0), grace=5.0)
    assert [(one.outcome, one.error) for one in samples] == [("failed", UNFINISHED), ("ok", "")]
    assert (samples[0].sent, samples[0].finished) == (0.0, None)
    assert time.now == 1015.0


async def test_no_grace_still_records_every_request(time: FakeTime) -> None:
    samples = await open_loop(time, [1.0] * 3, answering(time, 1.0), grace=0.0)
    assert [one.error for one in samples] == [UNFINISHED] * 3


async def test_a_run_ends_with_its_last_answer_not_with_the_grace(time: FakeTime) -> None:
    await open_loop(time, [0.0, 1.0], answering(time, 2.0), grace=600.0)
    assert time.now == 1003.0


async def test_progress_hears_of_every_start_and_every_end(time: FakeTime) -> None:
    heard: list[Sample | None] = []
    samples = await open_loop(
        time, [0.0, 1.0, 2.0], answering(time, 1.5, 900.0), grace=5.0, on_progress=heard.append
    )
    assert heard[:2] == [None, None]
    assert heard.count(None) == 3
    ends = [one for one in heard if one is not None]
    assert sorted(ends, key=lambda one: one.index) == samples


async def test_no_arrivals_make_no_samples(time: FakeTime) -> None:
    assert await open_loop(time, [], answering(time, 1.0)) == []


async def test_the_closed_loop_keeps_just_its_concurrency_in_flight(time: FakeTime) -> None:
    in_flight, most = 0, 0

    def count(sample: Sample | None) -> None:
        nonlocal in_flight, most
        in_flight += 1 if sample is None else -1
        most = max(most, in_flight)

    send = answering(time, 1.0, 2.0, 3.0)
    samples = await time.run(closed_loop(3, 10, send, clock=time.clock, on_progress=count))
    assert (most, in_flight) == (3, 0)
    assert [one.index for one in samples] == list(range(10))


async def test_the_closed_loop_sends_as_soon_as_an_answer_ends(time: FakeTime) -> None:
    samples = await time.run(closed_loop(1, 3, answering(time, 2.0), clock=time.clock))
    assert [one.sent for one in samples] == [0.0, 2.0, 4.0]
    assert [one.ttft for one in samples] == [2.0, 2.0, 2.0]


async def test_the_closed_loop_goes_on_after_a_rejection(time: FakeTime) -> None:
    samples = await time.run(closed_loop(2, 5, raising(Overloaded("full")), clock=time.clock))
    assert [one.outcome for one in samples] == ["rejected"] * 5


async def test_a_closed_loop_of_nobody_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        await closed_loop(0, 1, raising(AssertionError()))
    assert caught.value.field == "concurrency"


async def test_the_real_clock_keeps_the_schedule() -> None:
    async def send(index: int) -> Sample:
        await asyncio.sleep(0.2)
        return Sample()

    arrivals = [i * 0.01 for i in range(30)]
    samples = await drive(arrivals, send)
    # A loop that waited for answers would be almost 6 seconds late by the end.
    assert samples[-1].schedule_delay < 2
    assert min(one.schedule_delay for one in samples) >= 0
