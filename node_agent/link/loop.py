"""Keeps a link to one replica: pauses, tries again, and knows when to give up."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

import grpc

from nearfield.core.errors import JoinError, NearfieldError
from nearfield.core.node import Desired
from nearfield.core.retry import Backoff
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.rpc.tls import ClientSecurity
from node_agent.link.exchange import Reporter, exchange

_log = logging.getLogger(__name__)


class Link:
    """One replica's link, for as long as the node runs."""

    def __init__(
        self,
        address: str,
        reporter: Reporter,
        join_token: str,
        apply: Callable[[Desired], Awaitable[None]],
        security: ClientSecurity,
        backoff: Backoff | None = None,
    ) -> None:
        self._address = address
        self._reporter = reporter
        self._join_token = join_token
        self._apply = apply
        self._security = security
        self._backoff = backoff or Backoff()
        self._rng = random.Random()
        self._attempt = 0
        self._joined_once = False

    async def run(self, leaving: asyncio.Event) -> None:
        """Stay linked until `leaving`; raises JoinError if the first join is refused.

        A node that had joined goes on alone when it is refused later: it still serves
        those who hold a lease.
        """
        while not leaving.is_set():
            async with open_channel(self._address, self._security) as channel:
                try:
                    await exchange(
                        channel,
                        self._address,
                        self._reporter,
                        self._join_token,
                        self._apply,
                        self._note_joined,
                        leaving,
                    )
                except grpc.aio.AioRpcError as error:
                    self._note_broken(from_rpc_error(error))
                except NearfieldError as error:  # a replica that says what cannot be
                    self._note_broken(error)
            await self._pause(leaving)

    def _note_joined(self, replica: str) -> None:
        self._attempt = 0
        self._joined_once = True
        _log.info("joined %s (%s)", self._address, replica)

    def _note_broken(self, error: NearfieldError) -> None:
        if isinstance(error, JoinError) and not self._joined_once:
            raise error
        _log.warning("no link to %s: %s", self._address, error.message)

    async def _pause(self, leaving: asyncio.Event) -> None:
        delay = self._backoff.delay(self._attempt, self._rng)
        self._attempt += 1
        try:
            async with asyncio.timeout(delay):
                await leaving.wait()
        except TimeoutError:
            pass
