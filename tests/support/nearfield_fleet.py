"""A control plane, its nodes and a client, opened in one line."""

from contextlib import AsyncExitStack
from dataclasses import replace

from nearfield.client.client import Client
from nearfield.core.route import Candidate
from nearfield.core.rpc.tls import PLAINTEXT
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
        """Start one node a script, to be asked in this order; `before` come first."""
        nodes = [
            await self.enter_async_context(serve_node(*steps, name=f"node-{number}"))
            for number, steps in enumerate(scripts)
        ]
        named = (*before, *(node.candidate() for node in nodes))
        ranked = [_ranked(one, float(place)) for place, one in enumerate(named)]
        plane = await self.enter_async_context(serve_plane(*ranked, ttl=ttl))
        client = await self.enter_async_context(Client(plane.address, security=PLAINTEXT))
        return Fleet(plane, nodes, client)


def _ranked(one: Candidate, penalty: float) -> Candidate:
    """Place a candidate; what the client measures on loopback would make them all alike."""
    return replace(one, prediction=one.prediction._replace(penalty=penalty))
