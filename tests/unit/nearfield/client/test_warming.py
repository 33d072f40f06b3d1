from collections.abc import AsyncIterator

import pytest

from nearfield.client.connections import WARM_MOST, Connections
from nearfield.client.dialing import direct
from nearfield.client.round_trips import RoundTrips
from nearfield.client.warming import Warming
from nearfield.core.geo import Position
from nearfield.core.node import NodeLoad
from nearfield.core.prediction import RoundTripSource
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import candidate, eventually, first_delta
from tests.support.nearfield_servers import serve_node
from tests.support.probed import Probed, probed

LEASE_SECONDS = 30.0


class Scene:
    """A client's connections, and what keeps them warm."""

    def __init__(self) -> None:
        self.trips = RoundTrips()
        self.connections = Connections(direct, PLAINTEXT)
        self.heard: list[tuple[str, NodeLoad]] = []
        self.warming = Warming(self.connections, self.trips, self.hear)

    def hear(self, node: str, load: NodeLoad) -> None:
        self.heard.append((node, load))

    def start(self, *nodes: Probed) -> None:
        self.warming.start([node.candidate() for node in nodes], fresh=LEASE_SECONDS)

    async def done(self) -> None:
        await eventually(lambda: not self.warming._tasks)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    await made.warming.aclose()
    await made.connections.aclose()


async def test_the_best_three_candidates_are_connected_and_measured(scene: Scene) -> None:
    async with probed("a", "b", "c", "d") as nodes:
        scene.start(*nodes)
        await scene.done()
        measured = scene.trips.snapshot()
        assert set(measured) == {"a", "b", "c"}
        assert all(trip.seconds > 0 for trip in measured.values())
        assert {trip.source for trip in measured.values()} == {RoundTripSource.MEASURED}
        assert [scene.warming.is_warm(node.endpoint) for node in nodes] == [True] * 3 + [False]
        assert len(scene.connections._open) == WARM_MOST


async def test_a_node_is_measured_once_a_lease(scene: Scene) -> None:
    async with probed("a") as nodes:
        for _ in range(3):
            scene.start(*nodes)
            await scene.done()
        assert nodes[0].checks == 1


async def test_a_node_that_requests_have_measured_is_connected_alone(scene: Scene) -> None:
    scene.trips.observe("a", 0.02)
    async with probed("a") as nodes:
        scene.start(*nodes)
        await scene.done()
        assert nodes[0].checks == 0
        assert scene.warming.is_warm(nodes[0].endpoint)


async def test_a_check_that_fails_is_no_measurement(scene: Scene) -> None:
    async with probed("a") as nodes:
        nodes[0].fails = True
        scene.start(*nodes)
        await scene.done()
    assert (nodes[0].checks, scene.trips.get("a")) == (1, None)


async def test_the_health_service_of_a_node_answers_it(scene: Scene) -> None:
    async with RpcServer("127.0.0.1:0", (), PLAINTEXT) as server:
        node = candidate("real", endpoint=f"127.0.0.1:{server.port}")
        scene.warming.start([node], fresh=LEASE_SECONDS)
        await scene.done()
    assert scene.trips.get("real") is not None


async def test_a_candidate_that_cannot_be_reached_harms_nobody(scene: Scene) -> None:
    gone = candidate("gone", endpoint="127.0.0.1:1")
    async with probed("a") as nodes:
        scene.warming.start([gone, nodes[0].candidate()], fresh=LEASE_SECONDS)
        await eventually(lambda: scene.trips.get("a"))
        assert not scene.warming.is_warm("127.0.0.1:1")


async def test_a_dialer_that_fails_harms_nobody() -> None:
    async def fail(endpoint: str, position: Position | None) -> str:
        raise ConnectionRefusedError(endpoint)

    warming = Warming(Connections(fail, PLAINTEXT), RoundTrips(), lambda node, load: None)
    warming.start([candidate()], fresh=LEASE_SECONDS)
    (task,) = warming._tasks
    assert await task is None
    await warming.aclose()


async def test_closing_ends_a_check_that_is_not_answered_and_twice_is_once(scene: Scene) -> None:
    async with probed("a") as nodes:
        nodes[0].open.clear()
        scene.start(*nodes)
        await eventually(lambda: nodes[0].checks)
        await scene.warming.aclose()
        await scene.warming.aclose()
    assert not scene.warming._tasks
    assert scene.trips.get("a") is None


async def test_a_connection_that_was_closed_is_not_warm(scene: Scene) -> None:
    async with probed("a") as nodes:
        scene.start(*nodes)
        await scene.done()
        assert scene.warming.is_warm(nodes[0].endpoint)
        await scene.connections.aclose()
        assert not scene.warming.is_warm(nodes[0].endpoint)


async def test_the_best_candidates_tell_their_load_before_any_request(scene: Scene) -> None:
    load = NodeLoad(running=3, slots=8)
    async with serve_node(first_delta(), name="a") as node:
        node.tells = load
        scene.warming.start([node.candidate()], fresh=LEASE_SECONDS)
        await eventually(lambda: scene.heard)
        await scene.connections.aclose()
    assert scene.heard == [("a", load)]
    assert node.requests == []
