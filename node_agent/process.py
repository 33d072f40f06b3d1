"""One agent process, from its settings to its exit status."""

import asyncio
import logging
import os
from dataclasses import dataclass

from setproctitle import setproctitle

from nearfield.core.errors import EngineDied, JoinError
from nearfield.core.lifecycle import (
    bind_forks_to_this_process,
    configure_logging,
    stop_event,
)
from node_agent.engine.vllm import environment
from node_agent.hardware.probe import Probe, find_probe
from node_agent.settings import NodeSettings
from node_agent.successor import Successor

_log = logging.getLogger(__name__)
FRONT_END_NICENESS = 5


@dataclass(frozen=True, slots=True)
class End:
    """How an agent ended: the process's exit status, or the model it is to serve anew."""

    status: int = 0
    serve: str = ""


def run(settings: NodeSettings, successor: Successor | None = None) -> End:
    """Run an agent to its end.

    `successor` is started while the process has its first priority yet.
    """
    configure_logging(f"node_agent[{settings.name}]", settings.log_level)
    settings.tls.server_security(settings.listen)  # what is wrong is said before the engine loads
    setproctitle(f"nearfield node {settings.name}")  # forks of one zygote look alike otherwise
    probe = find_probe()
    hardware = probe.identify()
    environment.prepare(on_cpu=hardware.accelerators == 0, cpu_cores=hardware.cpu_cores)
    bind_forks_to_this_process()
    try:
        return End(serve=asyncio.run(_serve(settings, probe, successor)))
    except JoinError as error:
        _log.error("the fleet refuses this node: %s", error.message)
        return End(status=1)
    except EngineDied as error:
        _log.error("%s", error.message)
        return End(status=1)
    finally:
        probe.close()


async def _serve(settings: NodeSettings, probe: Probe, successor: Successor | None) -> str:
    """The engine forks before gRPC is first used, hence the import in here.

    It cannot do so again: for another model, which is returned, a new process is needed.
    """
    from node_agent.engine.vllm.engine import VllmEngine

    engine = await VllmEngine.start(settings, probe.identify())
    if successor is not None:
        successor.start()
    _give_way_to_the_engine()
    try:
        from nearfield.core.telemetry import Telemetry
        from node_agent.bootstrap import build_agent

        resource = {"service.name": "nearfield-node", "service.instance.id": settings.name}
        with Telemetry(settings.telemetry, resource) as telemetry:
            agent = build_agent(settings, engine, probe, telemetry)
            return await agent.run(stop_event())
    finally:
        await engine.aclose()


def _give_way_to_the_engine() -> None:
    """Lower the priority of this process's threads from here on below the engine's.

    The engine's step is what every stream waits for, and on few cores all else delays it.
    """
    os.nice(FRONT_END_NICENESS)
