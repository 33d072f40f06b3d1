"""Nodes that only answer health checks, and count them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from nearfield.core.route import Candidate
from tests.support.nearfield_builders import candidate


class Probed:
    """Answers `grpc.health.v1.Health/Check` once it is let, or fails it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.checks = 0
        self.fails = False
        self.open = asyncio.Event()
        self.open.set()
        self.grpc = grpc.aio.server()
        check = grpc.unary_unary_rpc_method_handler(self._check)
        handler = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})
        self.grpc.add_generic_rpc_handlers((handler,))
        self.port = self.grpc.add_insecure_port("127.0.0.1:0")

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def candidate(self) -> Candidate:
        """Return this node as a candidate."""
        return candidate(self.name, endpoint=self.endpoint)

    async def _check(self, request: bytes, context: Any) -> bytes:
        assert request == b""
        self.checks += 1
        await self.open.wait()
        if self.fails:
            await context.abort(grpc.StatusCode.INTERNAL, "no")
        return b""


@asynccontextmanager
async def probed(*names: str) -> AsyncIterator[list[Probed]]:
    """Serve nodes until the block ends."""
    nodes = [Probed(name) for name in names]
    try:
        for node in nodes:
            await node.grpc.start()
        yield nodes
    finally:
        for node in nodes:
            await node.grpc.stop(None)
