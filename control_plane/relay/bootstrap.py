"""Wires a relay."""

import asyncio
import logging
import random

from control_plane.relay.service import SERVICE, RelayService
from control_plane.relay.settings import RelaySettings
from control_plane.relay.upstream import Upstream
from nearfield.core.errors import NearfieldError
from nearfield.core.lifecycle import stop_event
from nearfield.core.retry import Backoff
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.server import RpcServer
from protos.nearfield.v1 import fleet_pb2_grpc

_log = logging.getLogger(__name__)


def build_relay(settings: RelaySettings, upstream: Upstream) -> RpcServer:
    """Return a relay's server; nothing listens yet."""
    server = RpcServer(settings.listen, (SERVICE,), settings.tls.server_security(settings.listen))
    fleet_pb2_grpc.add_FleetServicer_to_server(RelayService(upstream), server.grpc)
    return server


async def run_relay(settings: RelaySettings, stop: asyncio.Event | None = None) -> None:
    """Serve until `stop`, which SIGTERM sets by default."""
    async with open_channel(settings.control_plane, settings.tls.client_security()) as channel:
        upstream = Upstream(channel)
        carrying = asyncio.create_task(_carry_on(upstream))
        try:
            async with build_relay(settings, upstream):
                await (stop or stop_event()).wait()
        finally:
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)


async def _carry_on(upstream: Upstream) -> None:
    """Keep the stream to the replica; nodes pause between their own tries as well."""
    backoff, rng, attempt = Backoff(), random.Random(), 0
    while True:
        try:
            await upstream.carry()
        except NearfieldError as error:
            _log.warning("no stream to the replica: %s", error.message)
        await asyncio.sleep(backoff.delay(attempt, rng))
        attempt = min(attempt + 1, 4)
