"""Who plays: each policy's senders, one for each place where clients stand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bench.scenarios.policy.real.choosers import Board, choosers
from bench.scenarios.policy.real.fleet import Running
from bench.scenarios.policy.real.senders import Doors, Ours, Rival, Sender
from nearfield.client.client import Client
from nearfield.core.errors import NearfieldError
from nearfield.core.geo import Position
from nearfield.core.prefix import PrefixSecret
from nearfield.local.places import CONTROL_PLANE
from nearfield.local.wan import WanDialer

PLACES = {
    "Madrid": Position(40.42, -3.70),
    "New York": Position(40.71, -74.01),
    "Jakarta": Position(-6.21, 106.85),
    "Osaka": Position(34.69, 135.50),
    "São Paulo": Position(-23.55, -46.63),
}
"""Where clients stand; the first one's demand surges, and its nearest node goes away."""
OURS = "ours"
REPORT_SECONDS = 1.0


@dataclass(slots=True)
class Cast:
    """Who plays, and where; `rivals` and `ours` are a sender for each place.

    `tags` are what each policy's prompts start with, and no other's.
    """

    fleet: Running
    dialers: Sequence[WanDialer]
    board: Board
    rivals: Mapping[str, Sequence[Sender]]
    ours: Sequence[Ours]
    secret: bytes
    tags: Mapping[str, str]


@asynccontextmanager
async def casting(fleet: Running, seed: int) -> AsyncIterator[Cast]:
    """Hold all senders and connections until the block ends."""
    secret = PrefixSecret.fresh().value
    board, policies = Board(fleet.sites), choosers(seed)
    async with AsyncExitStack() as stack:
        dialers = [
            await stack.enter_async_context(WanDialer(place, CONTROL_PLANE.position))
            for place in PLACES.values()
        ]
        ours = await stack.enter_async_context(own_clients(fleet, dialers, secret))
        doors = [
            await stack.enter_async_context(Doors(dialer, fleet.access.security, fleet.sites))
            for dialer in dialers
        ]
        for sender, door, place in zip(ours, doors, PLACES.values(), strict=True):
            door.ticket = await sender.ticket(place)
        rivals = {
            name: [
                Rival(chooser, board, door, place)
                for door, place in zip(doors, PLACES.values(), strict=True)
            ]
            for name, chooser in policies.items()
        }
        tags = {name: PrefixSecret.fresh().key_id for name in (OURS, *rivals)}
        cast = Cast(fleet, dialers, board, rivals, ours, secret, tags)
        poller = asyncio.create_task(_poll(fleet, board))
        stack.push_async_callback(_ended, poller)
        yield cast


@asynccontextmanager
async def own_clients(
    fleet: Running, dialers: Sequence[WanDialer], secret: bytes
) -> AsyncIterator[list[Ours]]:
    """Hold a client of the product's for each place until the block ends."""
    async with AsyncExitStack() as stack:
        yield [
            Ours(
                await stack.enter_async_context(
                    Client(
                        fleet.control_plane,
                        token=fleet.access.token,
                        security=fleet.access.security,
                        prefix_secret=secret,
                        dialer=dialer,
                    )
                )
            )
            for dialer in dialers
        ]


async def _poll(fleet: Running, board: Board) -> None:
    """Report loads once a second, at no distance: a rival's balancer is given the best view."""
    while True:
        with contextlib.suppress(NearfieldError):  # the next one is a second away
            board.report(await fleet.admin.nodes())
        await asyncio.sleep(REPORT_SECONDS)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
