"""Serving: every server has health, reflection and typed errors."""

import asyncio
from collections.abc import Sequence
from typing import Self

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from nearfield.core.errors import ConfigError
from nearfield.core.rpc.credentials import server_credentials
from nearfield.core.rpc.interceptors import TypedErrors
from nearfield.core.rpc.options import SERVER_OPTIONS
from nearfield.core.rpc.tls import Plaintext, ServerSecurity, check_plaintext

_GRACE_SECONDS = 1.0


class RpcServer:
    """One port with its services.

    `services` are full names such as `nearfield.v1.Inference`; health answers for
    each of them and for the empty name. `leaving` is set as it stops: a stream on which
    nothing runs may end then, instead of taking the moment that is given to calls.
    """

    def __init__(self, listen: str, services: Sequence[str], security: ServerSecurity) -> None:
        self._listen = listen
        self._security = security
        self._services = (*services, health.SERVICE_NAME)
        self.grpc = grpc.aio.server(options=SERVER_OPTIONS, interceptors=(TypedErrors(),))
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        reflection.enable_server_reflection((*self._services, reflection.SERVICE_NAME), self.grpc)
        self.port = 0
        self.leaving = asyncio.Event()

    async def start(self) -> None:
        """Bind and serve; raises ConfigError where the address cannot be bound so."""
        try:
            self.port = self._bind()
        except RuntimeError:
            self.port = 0
        if self.port == 0:
            raise ConfigError(
                f"cannot listen on {self._listen}: it is in use or not an address of this host",
                field="listen",
            )
        await self.set_serving(True)
        await self.grpc.start()

    def _bind(self) -> int:
        if isinstance(self._security, Plaintext):
            check_plaintext(self._listen, "listen")
            return self.grpc.add_insecure_port(self._listen)
        return self.grpc.add_secure_port(self._listen, server_credentials(self._security))

    async def set_serving(self, serving: bool) -> None:
        """Say over the health service whether calls are welcome."""
        status = (
            health_pb2.HealthCheckResponse.SERVING
            if serving
            else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for service in ("", *self._services):
            await self._health.set(service, status)

    async def aclose(self) -> None:
        """Stop taking calls, give those that run a moment, then end them."""
        await self.set_serving(False)
        self.leaving.set()
        await self.grpc.stop(_GRACE_SECONDS)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
