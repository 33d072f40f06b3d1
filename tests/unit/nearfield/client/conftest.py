"""Fleets of real servers, closed with the test that opened them."""

from collections.abc import AsyncIterator

import pytest

from tests.support.nearfield_fleet import Open


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with Open() as stack:
        yield stack
