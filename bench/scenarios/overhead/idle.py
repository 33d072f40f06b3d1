"""What a process costs while nothing is asked of it."""

import asyncio

import psutil

from nearfield.core.clock import Clock, monotonic


async def idle_share(pid: int, seconds: float, clock: Clock = monotonic) -> float:
    """Return the share of one core that a process uses over so many seconds, without children."""
    process = psutil.Process(pid)
    started, before = clock(), _used(process)
    await asyncio.sleep(seconds)
    return (_used(process) - before) / (clock() - started)


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
