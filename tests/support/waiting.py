"""Waiting for something to become true, with a limit."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
LIMIT_SECONDS = 30.0


async def until(read: Callable[[], Awaitable[T]], expected: T, seconds: float = LIMIT_SECONDS) -> T:
    """Return once `read` gives what is expected; after the limit the assertion shows the last."""
    return await until_true(read, lambda value: value == expected, f"{expected!r}", seconds)


async def until_true(
    read: Callable[[], Awaitable[T]],
    accept: Callable[[T], bool],
    wanted: str = "what the test waits for",
    seconds: float = LIMIT_SECONDS,
) -> T:
    """Return the first value that is accepted."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not accept(value := await read()):
        assert loop.time() < end, f"still {value!r}, not {wanted}"
        await asyncio.sleep(0.02)
    return value
