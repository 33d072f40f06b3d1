"""`python -m bench.scenarios.size.nodes TARGET`: the simulated nodes of one fleet.

They join, then report until standard input ends; each line there is answered with what they
did so far.
"""

import asyncio
import contextlib
import gc
import sys
from pathlib import Path

import grpc
import uvloop

from bench.scenarios.policy.cities import load_cities
from bench.scenarios.size.direct import DirectLinks
from bench.scenarios.size.jobs import Counted, Target
from bench.scenarios.size.population import SimulatedNode
from bench.scenarios.size.relayed import RelayedLinks
from nearfield.core.clock import monotonic
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.tls import client_security

RELAYED_ABOVE = 5_000
"""Nodes: so many streams of their own would cost one core more than routing does."""
RELAYS = 32
NODES_A_CONNECTION = 50
"""Where nodes have streams of their own."""


async def serve(target: Target) -> None:
    """Be the nodes of `target`."""
    cities = load_cities()
    nodes = [SimulatedNode(number, cities, target.join_token) for number in range(target.nodes)]
    security = client_security(Path(target.authority))
    async with contextlib.AsyncExitStack() as stack:
        channels: list[grpc.aio.Channel] = [
            await stack.enter_async_context(open_channel(target.address, security))
            for _ in range(connections(target.nodes))
        ]
        links = (RelayedLinks if target.nodes > RELAYED_ABOVE else DirectLinks)(channels, nodes)
        started = monotonic()
        await links.join()
        seconds = monotonic() - started
        gc.freeze()  # nobody else keeps so many streams; a full collection would stop them all
        reporting = asyncio.create_task(links.report())
        _answer(links, seconds)
        while await asyncio.to_thread(sys.stdin.readline):
            _answer(links, seconds)
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)


def connections(nodes: int) -> int:
    """Return over how many connections so many nodes come."""
    return RELAYS if nodes > RELAYED_ABOVE else -(-nodes // NODES_A_CONNECTION)


def _answer(links: DirectLinks | RelayedLinks, join_seconds: float) -> None:
    tally = links.tally
    counted = Counted(tally.joined, tally.reports, tally.sent, tally.lost, join_seconds)
    print(counted.to_line(), end="", flush=True)


if __name__ == "__main__":
    uvloop.run(serve(Target.from_line(sys.argv[1])))
