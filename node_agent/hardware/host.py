"""The host's own processor and memory."""

import platform

import psutil

from nearfield.core.node import Hardware, HardwareLoad


class HostProbe:
    """Answers on every host."""

    def identify(self) -> Hardware:
        """Return processor and memory, with no accelerator."""
        return Hardware(
            accelerator="cpu",
            accelerators=0,
            memory_bytes=psutil.virtual_memory().total,
            cpu=_cpu_name(),
            cpu_cores=psutil.cpu_count() or 1,
        )

    def load(self) -> HardwareLoad:
        """Return the load since the last call."""
        memory = psutil.virtual_memory()
        return HardwareLoad(
            utilisation=psutil.cpu_percent() / 100,
            memory_used_bytes=memory.total - memory.available,
            memory_total_bytes=memory.total,
        )

    def close(self) -> None:
        """Hold nothing."""


def _cpu_name() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
