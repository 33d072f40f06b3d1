"""Starts the systems that are compared: the same model, settings and environment for each."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from bench.scenarios.fleet import SERVED_NAME, Served, start_fleet
from bench.scenarios.overhead.callers.node import CONTROL_PLANE_VARIABLE, TOKEN_VARIABLE
from bench.scenarios.overhead.loader import Loader
from bench.scenarios.overhead.progress import say
from bench.scenarios.stage import Stage
from nearfield.local.ports import HOST, free_ports
from nearfield.local.processes import python
from node_agent.engine.vllm import environment
from node_agent.hardware.probe import find_probe
from node_agent.weights.source import resolve

ENGINE = "engine"
NODE = "node"
OPENAI = "openai"
SYSTEMS = (ENGINE, NODE, OPENAI)
"""As their callers are named."""
_SERVER = "vllm.entrypoints.openai.api_server"


@dataclass(frozen=True, slots=True)
class Systems:
    """What loads each system, by its name, and the node agent's own process."""

    loaders: Mapping[str, Loader]
    node_pid: int


@asynccontextmanager
async def running_systems(stage: Stage, served: Served) -> AsyncIterator[Systems]:
    """Start them one after another; all end with the block."""
    on_cpu = _prepare_environment()
    async with contextlib.AsyncExitStack() as stack:
        say("starting a control plane and the node")
        fleet = await start_fleet(stage, served)
        say("starting vLLM's OpenAI server")
        server = await _start_server(stage, served, on_cpu=on_cpu)
        targets = {ENGINE: str(fleet.node_config), NODE: fleet.node, OPENAI: server}
        access = {
            CONTROL_PLANE_VARIABLE: fleet.control_plane,
            TOKEN_VARIABLE: fleet.access.token,
        }
        loaders = {}
        for system in SYSTEMS:
            say(f"starting the load worker of: {system}")
            log = stage.log(f"load-{system}")
            loaders[system] = await Loader.start(
                system, targets[system], log, fleet.authority, access
            )
            stack.push_async_callback(loaders[system].aclose)
        yield Systems(loaders, fleet.node_pid)


def _prepare_environment() -> bool:
    """Set here what the node sets for itself, so that every child has it; whether on a CPU."""
    probe = find_probe()
    hardware = probe.identify()
    probe.close()
    on_cpu = hardware.accelerators == 0
    environment.prepare(on_cpu=on_cpu, cpu_cores=hardware.cpu_cores)
    return on_cpu


async def _start_server(stage: Stage, served: Served, *, on_cpu: bool) -> str:
    (port,) = free_ports(1)
    listen = ("--host", HOST, "--port", str(port))
    stage.spawn(OPENAI, python("-m", _SERVER, *listen, *server_flags(served, on_cpu=on_cpu)))
    async with aiohttp.ClientSession() as session:

        async def ready() -> bool:
            with contextlib.suppress(aiohttp.ClientError):  # it does not listen yet
                async with session.get(f"http://{HOST}:{port}/health") as reply:
                    return reply.status == 200
            return False

        await stage.until(ready, OPENAI)
    return f"{HOST}:{port}"


def server_flags(served: Served, *, on_cpu: bool) -> list[str]:
    """Return the flags that give the server the engine settings of a node."""
    flags = [
        *("--model", resolve(served.model)),
        *("--served-model-name", SERVED_NAME),
        *("--dtype", served.dtype),
        *("--max-num-seqs", str(served.slots)),
        *("--max-model-len", str(served.context_tokens)),
        *("--block-size", str(served.block_tokens)),
        *("--kv-cache-memory-bytes", str(served.cache_bytes)),
        "--enforce-eager",
        "--enable-prefix-caching",
        # A line for each request would cost the server what the node does not spend.
        *("--uvicorn-log-level", "error"),
    ]
    if served.random_weights:
        flags += ["--load-format", "dummy"]
    if on_cpu:
        return [*flags, "--no-enable-chunked-prefill"]
    return [*flags, "--gpu-memory-utilization", str(served.gpu_memory_share)]
