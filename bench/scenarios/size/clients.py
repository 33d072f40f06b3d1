"""`python -m bench.scenarios.size.clients TARGET`: clients that ask one control plane.

Each line on standard input is an `Asking`, each line on standard output what came of it.
"""

import asyncio
import contextlib
import gc
import json
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import uvloop

from bench.arrivals import poisson
from bench.scenarios.policy.cities import load_cities
from bench.scenarios.size.asking import Answer, Ask, closed_loop, open_loop, sum_up
from bench.scenarios.size.jobs import Asked, Asking, Target
from bench.scenarios.size.questions import questions
from nearfield.core.rpc.channel import open_channel
from nearfield.core.rpc.tls import client_security

METHOD = "/nearfield.v1.Routing/Route"
CHANNELS = 8


async def serve(target: Target) -> None:
    """Ask as told until standard input ends."""
    asked = questions(target.nodes, load_cities(), target.token)
    security = client_security(Path(target.authority))
    async with contextlib.AsyncExitStack() as stack:
        routes: list[Ask] = []
        for _ in range(CHANNELS):
            channel = await stack.enter_async_context(open_channel(target.address, security))
            route: Any = channel.unary_unary(METHOD)  # bytes in, bytes out
            routes.append(route)
        # What asks must not stop by itself: a second of it holds too little garbage to matter.
        gc.freeze()
        gc.disable()
        print(flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print((await ask(Asking.from_line(line), routes, asked)).to_line(), end="", flush=True)


async def ask(asking: Asking, routes: list[Ask], asked: list[bytes]) -> Asked:
    """Do as told; the answers' times are written to its path."""
    turns = zip(cycle(routes), cycle(asked), strict=False)
    if asking.rate:
        offsets = poisson(asking.rate, asking.seconds, asking.seed)
        answers = await open_loop(turns, offsets)
    else:
        answers = await closed_loop(turns, asking.callers, asking.seconds)
    write(answers, Path(asking.path))
    return sum_up(answers, asking.seconds)


def write(answers: list[Answer], path: Path) -> None:
    """Write one line of JSON an answer: seconds since the start, and since it was meant."""
    with path.open("w", encoding="utf-8") as lines:
        for one in answers:
            row = {
                "meant": round(one.meant, 6),
                "late": round(one.late, 6),
                "latency": round(one.latency, 6),
                "error": one.error,
            }
            lines.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    uvloop.run(serve(Target.from_line(sys.argv[1])))
