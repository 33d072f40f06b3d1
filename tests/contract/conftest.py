"""Every directory, empty, behind one way to open it; a real Consul; every engine."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from control_plane.directory.base import Directory
from control_plane.directory.consul import ConsulDirectory
from control_plane.directory.memory import MemoryDirectory
from node_agent.engine.base import Engine
from node_agent.engine.simulated import SimulatedEngine
from tests.support.consul import ConsulAgent
from tests.support.engines import SLOTS, start_vllm


@dataclass(frozen=True)
class Store:
    """Where a directory keeps things: how to open it, and a mark that moves with every write."""

    open: Callable[[], Directory]
    mark: Callable[[], object]


@pytest.fixture(scope="session")
def consul_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsulAgent]:
    with ConsulAgent(tmp_path_factory.mktemp("consul")) as agent:
        yield agent


@pytest.fixture
def consul(consul_server: ConsulAgent) -> ConsulAgent:
    """The session's Consul, emptied."""
    consul_server.wipe()
    return consul_server


@pytest.fixture
def memory_store() -> Store:
    return Store(MemoryDirectory, lambda: None)


@pytest.fixture
def file_store(tmp_path: Path) -> Store:
    path = tmp_path / "directory.json"
    return Store(lambda: MemoryDirectory(path), lambda: (path.read_bytes(), path.stat().st_ino))


@pytest.fixture
def consul_store(consul: ConsulAgent) -> Store:
    def index() -> int:
        return consul.request("GET", "/v1/health/service/nearfield-node")[1]

    return Store(lambda: ConsulDirectory(consul.address), index)


@pytest.fixture(params=["memory", "file", "consul"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of directory."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture(params=["file", "consul"])
def durable_store(request: pytest.FixtureRequest) -> Store:
    """Each kind of directory that outlives its process."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture
async def directory(store: Store) -> AsyncIterator[Directory]:
    async with store.open() as opened:
        yield opened


ENGINES = ["simulated", pytest.param("vllm", marks=pytest.mark.engine)]


async def start_simulated() -> Engine:
    return SimulatedEngine(slots=SLOTS, context_tokens=2048, step_seconds=0.001)


START: dict[str, Callable[[], Awaitable[Engine]]] = {
    "simulated": start_simulated,
    "vllm": start_vllm,
}


@pytest.fixture(scope="session")
async def vllm() -> AsyncIterator[Engine]:
    """The session's vLLM, with the demo model and a cache that a test can overflow."""
    engine = await start_vllm()
    yield engine
    await engine.aclose()


@pytest.fixture
async def simulated() -> AsyncIterator[Engine]:
    engine = await start_simulated()
    yield engine
    await engine.aclose()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each kind of engine."""
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=ENGINES)
async def mortal(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """Each kind of engine, newly started, to be closed or killed."""
    engine = await START[request.param]()
    yield engine
    await engine.aclose()
