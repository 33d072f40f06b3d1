"""A control plane, its nodes and a client, opened in one line."""

from contextlib import AsyncExitStack

from nearfield.client.client import Client
from nearfield.core.route import Candidate
from tests.support.nearfield_builders import candidate, delta, finished, first_delta
from tests.support.nearfield_servers import FakeNode, FakePlane, Step, serve_node, serve_plane

ANSWER: list[Step] = [first_delta("Time "), delta(1, "to"), finished()]
GONE = candidate("gone", endpoint="127.0.0.1:1")  # tcpmux, which nothing serves


class Fleet:
    """A control plane, its nodes in order of their names, and a client."""

    def __init__(self, plane: FakePlane, nodes: list[FakeNode], client: Client) -> None:
        self.plane, self.nodes, self.client = plane, nodes, client


class Open(AsyncExitStack):
    """Opens fleets and closes them with the test."""

    async def fleet(
        self, *scripts: list[Step], before: tuple[Candidate, ...] = (), ttl: float = 30.0
    ) -> Fleet:
        """Start one node a script; `before` are candidates that come first by name."""
        nodes = [
            await self.enter_async_context(serve_node(*steps, name=f"node-{number}"))
            for number, steps in enumerate(scripts)
        ]
        named = (*before, *(node.candidate() for node in nodes))
        plane = await self.enter_async_context(serve_plane(*named, ttl=ttl))
        client = await self.enter_async_context(Client(plane.address))
        return Fleet(plane, nodes, client)
