import asyncio

from nearfield.client.routing import Routes
from nearfield.core.geo import Position
from nearfield.core.route import RouteQuery
from tests.support.nearfield_builders import candidate
from tests.support.nearfield_servers import serve_plane


async def test_the_control_plane_is_dialled_as_somewhere_unknown() -> None:
    heard: list[tuple[str, Position | None]] = []
    async with serve_plane(candidate()) as plane:

        async def dial(endpoint: str, position: Position | None) -> str:
            heard.append((endpoint, position))
            return plane.address

        routes = Routes("plane:7700", dial)
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

        routes = Routes(plane.address, slowly)
        connecting = [asyncio.create_task(routes._connect()) for _ in range(3)]
        await asyncio.sleep(0)
        arrived.set()
        assert len({id(await one) for one in connecting}) == 1
        await routes.aclose()


async def test_questions_are_counted() -> None:
    async with serve_plane(candidate()) as plane:
        routes = Routes(plane.address, lambda endpoint, _: _same(endpoint))
        for _ in range(3):
            await routes.route(RouteQuery("m"), {})
        assert routes.asked == 3
        await routes.aclose()


async def _same(endpoint: str) -> str:
    return endpoint
