"""Sends requests: on a schedule that nothing can slow down, or at a fixed concurrency.

The open loop is safe from coordinated omission: a request starts at its meant time whether or
not earlier ones were answered, without waiting for a slot, and is timed from then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from bench.sample import Sample, SampleOutcome
from nearfield.core.clock import Clock, monotonic
from nearfield.core.errors import InvalidRequest, NearfieldError, Outcome

Send = Callable[[int], Awaitable[Sample]]
"""Sends request `index` and tells what came of it.

`first_token` and `finished` are readings of the same clock that the generator was given; it
turns them into offsets, and fills in index, scheduled and sent itself.
"""
Sleep = Callable[[float], Awaitable[None]]
OnProgress = Callable[[Sample | None], None]
"""Called with None as each request starts, and with its sample as it ends."""

DEFAULT_GRACE = 60.0
"""Seconds that the last answers may take after the last arrival."""
UNFINISHED = "unfinished"


def ignore_progress(_sample: Sample | None) -> None:
    """Watch nothing."""


async def drive(
    arrivals: Sequence[float],
    send: Send,
    *,
    clock: Clock = monotonic,
    sleep: Sleep = asyncio.sleep,
    on_progress: OnProgress = ignore_progress,
    grace: float = DEFAULT_GRACE,
) -> list[Sample]:
    """Send request i at `arrivals[i]` seconds (ascending); return a sample for each.

    A NearfieldError becomes a rejected or failed sample, and what still runs `grace` seconds
    after the last arrival is cancelled and failed as "unfinished". Any other exception ends
    the run and comes out as an ExceptionGroup.
    """
    if not arrivals:
        return []
    run = _Run(send, clock, on_progress)
    async with asyncio.TaskGroup() as group:
        requests: list[asyncio.Task[None]] = []
        for index, scheduled in enumerate(arrivals):
            await sleep(max(0.0, run.start + scheduled - clock()))
            requests.append(group.create_task(run.request(index, scheduled)))
        reaper = group.create_task(_cancel_after(grace, requests, sleep))
        await asyncio.wait(requests)
        reaper.cancel()
    return run.in_order()


async def closed_loop(
    concurrency: int,
    count: int,
    send: Send,
    *,
    clock: Clock = monotonic,
    on_progress: OnProgress = ignore_progress,
) -> list[Sample]:
    """Send `count` requests, always `concurrency` at once; each is meant to go as it goes.

    For throughput only: here a slow answer does hold back the next request.
    """
    if concurrency < 1:
        raise InvalidRequest(
            f"concurrency {concurrency} is below 1", field="concurrency", limit="1 or more"
        )
    run = _Run(send, clock, on_progress)
    indices = iter(range(count))

    async def one_after_another() -> None:
        for index in indices:
            await run.request(index, clock() - run.start)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(one_after_another())
    return run.in_order()


@dataclass
class _Run:
    send: Send
    clock: Clock
    on_progress: OnProgress
    samples: dict[int, Sample] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start = self.clock()

    async def request(self, index: int, scheduled: float) -> None:
        sent = self.clock() - self.start
        self.on_progress(None)
        try:
            sample = await self.send(index)
        except NearfieldError as error:
            sample = _of_error(error, self.clock())
        except asyncio.CancelledError:
            unfinished = Sample(outcome=SampleOutcome.FAILED, error=UNFINISHED)
            self._keep(index, scheduled, sent, unfinished)
            raise
        self._keep(index, scheduled, sent, sample)

    def _keep(self, index: int, scheduled: float, sent: float, sample: Sample) -> None:
        self.samples[index] = replace(
            sample,
            index=index,
            scheduled=scheduled,
            sent=sent,
            first_token=self._offset(sample.first_token),
            finished=self._offset(sample.finished),
        )
        self.on_progress(self.samples[index])

    def _offset(self, reading: float | None) -> float | None:
        return None if reading is None else reading - self.start

    def in_order(self) -> list[Sample]:
        return [self.samples[index] for index in sorted(self.samples)]


def _of_error(error: NearfieldError, now: float) -> Sample:
    rejected = error.outcome is Outcome.REJECTED
    return Sample(
        finished=now,
        outcome=SampleOutcome.REJECTED if rejected else SampleOutcome.FAILED,
        error=f"{type(error).__name__}: {error}",
    )


async def _cancel_after(grace: float, requests: Sequence[asyncio.Task[None]], sleep: Sleep) -> None:
    # Made after all requests, so each has taken its first step and will record its own end.
    await sleep(grace)
    for request in requests:
        request.cancel()
