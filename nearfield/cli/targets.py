"""Where a verb finds the fleet: an option, the environment, a local fleet, the usual port."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from nearfield.client.admin import AdminClient
from nearfield.client.client import Client
from nearfield.core.geo import Position, parse_position
from nearfield.core.rpc.tls import ClientSecurity, ClientTls, from_environment
from nearfield.local import state
from nearfield.local.wan import WanDialer

TOKEN_VARIABLE = "NEARFIELD_TOKEN"
CONTROL_PLANE = "127.0.0.1:7700"
ADMIN = "127.0.0.1:7701"

Target = Annotated[
    str,
    typer.Option(
        help="control plane's HOST:PORT; by default NEARFIELD_CONTROL_PLANE, then the local fleet"
    ),
]
AdminTarget = Annotated[
    str,
    typer.Option(
        "--admin", help="Admin's HOST:PORT; by default NEARFIELD_ADMIN, then the local fleet"
    ),
]
Near = Annotated[str, typer.Option(help="LAT,LON of the client, in degrees", metavar="LAT,LON")]
NoWan = Annotated[bool, typer.Option("--no-wan", help="do not emulate distance")]


@dataclass(frozen=True, slots=True)
class Access:
    """What is trusted, and in whose name is asked."""

    security: ClientSecurity
    token: str


def access(target: str) -> Access:
    """Return what the environment says, else the local fleet's own where that is the target.

    Raises ConfigError where the authority cannot be read.
    """
    local = state.load()
    token, security = os.environ.get(TOKEN_VARIABLE, ""), from_environment()
    # Another fleet must neither be trusted for this one's authority nor be told its token.
    if local is not None and target in (local.control_plane, local.admin, local.gateway):
        token = token or local.token
        security = local.trust if security == ClientTls() else security
    return Access(security, token)


def open_admin(target: str) -> AdminClient:
    """Return an operator's client; raises ConfigError."""
    return AdminClient(target, access(target).security)


def control_plane(target: str) -> str:
    """Return the control plane's address."""
    local = state.load()
    found = os.environ.get("NEARFIELD_CONTROL_PLANE") or (local.control_plane if local else "")
    return target or found or CONTROL_PLANE


def admin(target: str) -> str:
    """Return the Admin service's address."""
    local = state.load()
    found = os.environ.get("NEARFIELD_ADMIN") or (local.admin if local else "")
    return target or found or ADMIN


def origin(near: str) -> Position | None:
    """Read --near; raises InvalidRequest."""
    return parse_position(near) if near else None


def emulates_distance(target: str, where: Position | None, no_wan: bool) -> bool:
    """Whether this is the local fleet, started with emulated distance, asked from a place."""
    local = state.load()
    return bool(local and local.wan and local.control_plane == target and where and not no_wan)


@asynccontextmanager
async def open_client(
    target: str, where: Position | None, no_wan: bool, known: Access | None = None
) -> AsyncIterator[Client]:
    """Open a client, at an emulated distance where that applies; `known` replaces `access`."""
    local = state.load()
    found = known or access(target)
    if local is None or where is None or not emulates_distance(target, where, no_wan):
        async with Client(target, token=found.token, security=found.security) as client:
            yield client
        return
    async with (
        WanDialer(where, local.position) as dialer,
        Client(target, token=found.token, security=found.security, dialer=dialer) as client,
    ):
        yield client
