"""`python -m node_agent.zygote FILE…`: several nodes on one machine from one warm import.

Importing vLLM takes seconds; a fork of a process that has done it takes none. The
zygote imports, forks one node for each settings file, and waits for them. A node that
is to serve another of its models ends and is forked anew.
"""

import gc
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from nearfield.core.lifecycle import die_with_parent, exit_on_config_error
from node_agent.engine.vllm import environment
from node_agent.hardware.probe import find_probe
from node_agent.process import run
from node_agent.settings import NodeSettings

_NAME_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Child:
    """A forked node; its last words on `pipe` are the model to serve next, if any."""

    settings: NodeSettings
    pipe: int

    def last_words(self) -> str:
        """Return them, once the node has ended; others below it may hold the pipe open still."""
        try:
            return os.read(self.pipe, _NAME_BYTES).decode()
        except BlockingIOError:
            return ""
        finally:
            os.close(self.pipe)


class Zygote:
    """The parent of all nodes."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._nodes: dict[int, Child] = {}
        self._stopping = False

    def fork(self, settings: NodeSettings) -> None:
        """Start a node."""
        pipe, words = os.pipe()
        os.set_blocking(pipe, False)
        child = os.fork()
        if not child:
            _be_node(settings, self._pid, words)
        os.close(words)
        self._nodes[child] = Child(settings, pipe)
        if self._stopping:  # the signal came before the node was known
            os.kill(child, signal.SIGTERM)

    def stop(self) -> None:
        """Ask every node to end."""
        self._stopping = True
        if os.getpid() == self._pid:  # a fork has this handler until it sets its own
            for child in self._nodes:
                os.kill(child, signal.SIGTERM)

    def wait_for_all(self) -> None:
        """Wait until the last node has ended for good."""
        while self._nodes:
            number, status = os.wait()
            child = self._nodes.pop(number, None)
            if child is None:
                continue
            model = child.last_words()
            if status:
                name = child.settings.name
                print(f"node {name} ended with {_describe(status)}", file=sys.stderr, flush=True)
            elif model and not self._stopping:
                self.fork(child.settings.serving(model))


def main() -> None:
    """Fork the nodes; ends when the last of them has."""
    settings = [NodeSettings.load(Path(path)) for path in sys.argv[1:]]
    for one in settings:
        one.tls.server_security(one.listen)  # what is wrong is said before anything loads
    _preload()
    zygote = Zygote()
    for one in settings:
        zygote.fork(one)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: zygote.stop())
    zygote.wait_for_all()


def _preload() -> None:
    """Import all that nodes share; nothing may start a thread, as forks would lose it."""
    probe = find_probe()
    hardware = probe.identify()
    probe.close()
    environment.prepare(on_cpu=hardware.accelerators == 0, cpu_cores=hardware.cpu_cores)
    from node_agent.engine.vllm import preload

    preload.preload()
    gc.freeze()  # what is shared stays shared: the collector would write to every page


def _be_node(settings: NodeSettings, zygote: int, words: int) -> None:
    """Run a node in this fork, and never return."""
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.setpgid(0, 0)
        die_with_parent(zygote)
        end = run(settings)
        os.write(words, end.serve.encode())
        status = end.status
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(status)


def _describe(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"status {code}"


if __name__ == "__main__":
    exit_on_config_error(main)
