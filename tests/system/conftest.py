"""One fleet for the session: a node in Frankfurt and one in Tokyo, both real."""

from collections.abc import AsyncIterator

import pytest

from nearfield.client.client import Client
from tests.support.whole_fleet import TENANT_SETTINGS, WholeFleet, whole_fleet


@pytest.fixture(scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeFleet]:
    with pytest.MonkeyPatch.context() as environment:
        # spans would otherwise be sent every five seconds
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        for name, value in TENANT_SETTINGS.items():
            environment.setenv(name, value)
        async with whole_fleet(("fra1", "nrt1"), tmp_path_factory.mktemp("whole")) as running:
            # the control plane has read them, and other tests read settings as well
            for name in TENANT_SETTINGS:
                environment.delenv(name)
            yield running


@pytest.fixture
async def client(fleet: WholeFleet) -> AsyncIterator[Client]:
    """A client that has asked nothing yet."""
    async with fleet.client() as client:
        yield client
