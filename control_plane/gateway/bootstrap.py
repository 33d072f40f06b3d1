"""Wires a gateway."""

import asyncio

from control_plane.gateway.service import SERVICE, GatewayService
from control_plane.gateway.settings import GatewaySettings
from nearfield.client.client import Client
from nearfield.core.lifecycle import stop_event
from nearfield.core.rpc.server import RpcServer
from nearfield.core.settings import position
from nearfield.core.telemetry import Telemetry
from protos.nearfield.v1 import inference_pb2_grpc


def build_gateway(settings: GatewaySettings, client: Client, telemetry: Telemetry) -> RpcServer:
    """Return a gateway's server over an open client; nothing listens yet."""
    where = position(settings.position) if settings.position else None
    server = RpcServer(settings.listen, (SERVICE,), settings.tls.server_security(settings.listen))
    inference_pb2_grpc.add_InferenceServicer_to_server(
        GatewayService(client, where, telemetry), server.grpc
    )
    return server


async def run_gateway(settings: GatewaySettings, stop: asyncio.Event | None = None) -> None:
    """Serve until `stop`, which SIGTERM sets by default."""
    with Telemetry(settings.telemetry, {"service.name": "nearfield-gateway"}) as telemetry:
        async with (
            Client(
                settings.control_plane,
                token=settings.token,
                security=settings.tls.client_security(),
                tracer=telemetry.tracer,
                meter=telemetry.meter,
            ) as client,
            build_gateway(settings, client, telemetry),
        ):
            await (stop or stop_event()).wait()
