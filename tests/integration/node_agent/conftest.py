"""One node for the session, alone, with the demo model; it logs all it ever would."""

from collections.abc import AsyncIterator

import pytest

from tests.support.node_builders import Caller
from tests.support.node_process import Process, node_process


@pytest.fixture(scope="session")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Process, Caller]]:
    folder = tmp_path_factory.mktemp("node")
    async with node_process(folder, log_level="DEBUG") as running:
        yield running


@pytest.fixture
def caller(node: tuple[Process, Caller]) -> Caller:
    """A caller of the session's node, which is still there."""
    process, caller = node
    assert process.popen.poll() is None, process.log
    return caller


@pytest.fixture
def address(caller: Caller) -> str:
    """Where the session's node listens."""
    return caller.address
