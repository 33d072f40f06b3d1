import asyncio

import pytest

from nearfield.client.dialing import direct
from nearfield.client.routing import Routes
from nearfield.core.errors import NoCandidate
from nearfield.core.geo import Position
from nearfield.core.route import RouteQuery
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import candidate
from tests.support.nearfield_servers import serve_plane


async def test_the_control_plane_is_dialled_as_somewhere_unknown() -> None:
    heard: list[tuple[str, Position | None]] = []
    async with serve_plane(candidate()) as plane:

        async def dial(endpoint: str, position: Position | None) -> str:
            heard.append((endpoint, position))
            return plane.address

        routes = Routes("plane:7700", dial, PLAINTEXT)
        await routes.route(RouteQuery("m"), {})
        await routes.aclose()
        await routes.aclose()
    assert heard == [("plane:7700", None)]


async def test_questions_at_once_share_the_one_connection_that_is_closed_later() -> None:
    async with serve_plane(candidate()) as plane:
        arrived = asyncio.Event()

        async def slowly(endpoint: str, position: Position | None) -> str:
            await arrived.wait()
            return plane.address

        routes = Routes(plane.address, slowly, PLAINTEXT)
        connecting = [asyncio.create_task(routes._connect()) for _ in range(3)]
        await asyncio.sleep(0)
        arrived.set()
        assert len({id(await one) for one in connecting}) == 1
        await routes.aclose()


async def test_questions_are_counted() -> None:
    async with serve_plane(candidate()) as plane:
        routes = Routes(plane.address, lambda endpoint, _: _same(endpoint), PLAINTEXT)
        for _ in range(3):
            await routes.route(RouteQuery("m"), {})
        assert routes.asked == 3
        await routes.aclose()


async def test_what_a_question_takes_is_measured_with_handshakes_only_until_the_second() -> None:
    async with serve_plane(candidate()) as plane:
        routes = Routes(plane.address, lambda endpoint, _: _same(endpoint), PLAINTEXT)
        assert routes.seconds is None
        await routes.route(RouteQuery("m"), {})
        cold = routes.seconds
        assert cold is not None
        await routes.route(RouteQuery("m"), {})
        warm = routes.seconds
        assert warm not in (None, cold)
        plane.error = NoCandidate("nobody")
        with pytest.raises(NoCandidate):
            await routes.route(RouteQuery("m"), {})
        assert routes.seconds == warm
        await routes.aclose()


def test_a_warm_question_replaces_a_cold_one_and_later_ones_move_it_by_an_eighth() -> None:
    routes = Routes("plane:7700", direct, PLAINTEXT)
    for seconds, warm in ((0.3, False), (0.4, False), (0.1, True), (0.9, False), (0.18, True)):
        routes._took(seconds, warm=warm)
    assert routes.seconds == pytest.approx(0.11)


async def _same(endpoint: str) -> str:
    return endpoint
