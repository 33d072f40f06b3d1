"""`python -m node_agent.zygote FILE…`: several nodes on one machine from one warm import.

Importing vLLM takes seconds; a fork of a process that has done it takes none. The
zygote imports, forks one node for each settings file, and waits for them.
"""

import gc
import os
import signal
import sys
import traceback
from pathlib import Path

from nearfield.core.lifecycle import die_with_parent, exit_on_config_error
from node_agent.engine.vllm import environment
from node_agent.hardware.probe import find_probe
from node_agent.process import run
from node_agent.settings import NodeSettings


def main() -> None:
    """Fork the nodes; ends when the last of them has."""
    settings = [NodeSettings.load(Path(path)) for path in sys.argv[1:]]
    _preload()
    nodes = {_fork(one): one.name for one in settings}
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _signal_all(nodes))
    _wait_for_all(nodes)


def _preload() -> None:
    """Import all that nodes share; nothing may start a thread, as forks would lose it."""
    probe = find_probe()
    hardware = probe.identify()
    probe.close()
    environment.prepare(on_cpu=hardware.accelerators == 0, cpu_cores=hardware.cpu_cores)
    from node_agent.engine.vllm import preload

    preload.preload()
    gc.freeze()  # what is shared stays shared: the collector would write to every page


def _fork(settings: NodeSettings) -> int:
    zygote = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.setpgid(0, 0)
        die_with_parent(zygote)
        status = run(settings)
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(status)


def _signal_all(nodes: dict[int, str]) -> None:
    for child in nodes:
        os.kill(child, signal.SIGTERM)


def _wait_for_all(nodes: dict[int, str]) -> None:
    while nodes:
        child, status = os.wait()
        name = nodes.pop(child, None)
        if name and status:
            print(f"node {name} ended with {_describe(status)}", file=sys.stderr, flush=True)


def _describe(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"status {code}"


if __name__ == "__main__":
    exit_on_config_error(main)
