"""One agent process, from its settings to its exit status."""

import asyncio
import logging
import os

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

_log = logging.getLogger(__name__)
FRONT_END_NICENESS = 5


def run(settings: NodeSettings) -> int:
    """Run an agent to its end; returns the process's exit status."""
    configure_logging(f"node_agent[{settings.name}]", settings.log_level)
    setproctitle(f"nearfield node {settings.name}")  # forks of one zygote look alike otherwise
    probe = find_probe()
    hardware = probe.identify()
    environment.prepare(on_cpu=hardware.accelerators == 0, cpu_cores=hardware.cpu_cores)
    bind_forks_to_this_process()
    try:
        asyncio.run(_serve(settings, probe))
    except JoinError as error:
        _log.error("the fleet refuses this node: %s", error.message)
        return 1
    except EngineDied as error:
        _log.error("%s", error.message)
        return 1
    finally:
        probe.close()
    return 0


async def _serve(settings: NodeSettings, probe: Probe) -> None:
    """The engine forks before gRPC is first used, hence the import in here."""
    from node_agent.engine.vllm.engine import VllmEngine

    engine = await VllmEngine.start(settings, probe.identify())
    _give_way_to_the_engine()
    try:
        from nearfield.core.telemetry import Telemetry
        from node_agent.bootstrap import build_agent

        resource = {"service.name": "nearfield-node", "service.instance.id": settings.name}
        with Telemetry(settings.telemetry, resource) as telemetry:
            agent = build_agent(settings, engine, probe, telemetry)
            await agent.run(stop_event())
    finally:
        await engine.aclose()


def _give_way_to_the_engine() -> None:
    """Lower the priority of this process's threads from here on below the engine's.

    The engine's step is what every stream waits for, and on few cores all else delays it.
    """
    os.nice(FRONT_END_NICENESS)
