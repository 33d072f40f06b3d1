"""A replica of its own for each test, under a clock that is turned by hand."""

from collections.abc import AsyncIterator

import pytest

from tests.support.plane_builders import FakeClock
from tests.support.running_plane import RunningPlane, running_plane


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def plane(clock: FakeClock) -> AsyncIterator[RunningPlane]:
    async with running_plane(clock) as running:
        yield running
