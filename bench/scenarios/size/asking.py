"""Asks for routes, at their time or as fast as they come, and sums up what was answered."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import grpc

from bench.scenarios.size.jobs import Asked
from bench.statistics import percentile
from protos.nearfield.v1 import routing_pb2

Ask = Callable[[bytes], Awaitable[bytes]]
Turns = Iterator[tuple[Ask, bytes]]
CHECKED_EVERY = 50
"""Answers: reading each would cost as much as asking."""
_LEAD_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Answer:
    """`meant` is since the start, `latency` since then, `late` a part of it; seconds."""

    meant: float
    late: float
    latency: float
    error: str = ""


async def open_loop(turns: Turns, offsets: Sequence[float]) -> list[Answer]:
    """Ask at `offsets` seconds from the start, however late the answers are."""
    loop, answers, tasks = asyncio.get_running_loop(), list[Answer](), set[asyncio.Task[None]]()
    done = asyncio.Event()
    start = time.perf_counter() + _LEAD_SECONDS

    def launch(offset: float) -> None:
        number = len(tasks)
        ask, question = next(turns)
        tasks.add(asyncio.create_task(_ask(ask, question, start + offset, start, number, answers)))

    def pace() -> None:
        for offset in offsets:
            time.sleep(max(0.0, start + offset - time.perf_counter()))
            loop.call_soon_threadsafe(launch, offset)
        loop.call_soon_threadsafe(done.set)

    # A thread of its own: the loop's timers are a millisecond coarse, as much as a route takes.
    threading.Thread(target=pace, daemon=True).start()
    await done.wait()
    await asyncio.gather(*tasks)
    return answers


async def closed_loop(turns: Turns, callers: int, seconds: float) -> list[Answer]:
    """Ask for `seconds`, `callers` at once."""
    answers: list[Answer] = []
    start = time.perf_counter()

    async def call(number: int) -> None:
        while (now := time.perf_counter()) < start + seconds:
            ask, question = next(turns)
            await _ask(ask, question, now, start, number, answers)
            number += callers

    await asyncio.gather(*(call(number) for number in range(callers)))
    return answers


async def _ask(
    ask: Ask, question: bytes, meant: float, start: float, number: int, answers: list[Answer]
) -> None:
    late = time.perf_counter() - meant
    error = ""
    try:
        lease = await ask(question)
    except grpc.aio.AioRpcError as refused:
        lease, error = b"", f"{refused.code()}: {refused.details()}"
    latency = time.perf_counter() - meant
    if lease and number % CHECKED_EVERY == 0:
        error = flaw(lease)
    answers.append(Answer(meant - start, late, latency, error))


def flaw(lease: bytes) -> str:
    """Return what a lease lacks; an empty string where it is whole."""
    found = routing_pb2.Lease.FromString(lease)
    if not found.candidates:
        return "a lease without candidates"
    return "" if found.ticket else "a lease without a ticket"


def sum_up(answers: Sequence[Answer], seconds: float) -> Asked:
    """Return rate and latencies of what was answered."""
    good = [one for one in answers if not one.error]
    latencies = [one.latency for one in good] or [0.0]
    return Asked(
        asked=len(answers),
        failed=len(answers) - len(good),
        rate=len(good) / seconds,
        p50=percentile(latencies, 50),
        p99=percentile(latencies, 99),
        late_p99=percentile([one.late for one in answers] or [0.0], 99),
        error=next((one.error for one in answers if one.error), ""),
    )
