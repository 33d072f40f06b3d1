"""NVIDIA GPUs, through NVML."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pynvml

from nearfield.core.node import Hardware, HardwareLoad
from node_agent.hardware.host import HostProbe


class NvidiaProbe:
    """Answers where the driver is loaded; the constructor raises NoGpu elsewhere."""

    def __init__(self) -> None:
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise NoGpu(str(error)) from None
        self._gpus = [
            pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())
        ]
        if not self._gpus:
            raise NoGpu("the driver knows no GPU")

    def identify(self) -> Hardware:
        """Return the first GPU's name and memory: hosts are of one kind of GPU."""
        gpu = self._gpus[0]
        return replace(
            HostProbe().identify(),
            accelerator=pynvml.nvmlDeviceGetName(gpu),
            accelerators=len(self._gpus),
            memory_bytes=pynvml.nvmlDeviceGetMemoryInfo(gpu).total,
        )

    def load(self) -> HardwareLoad:
        """Return memory summed over all GPUs, their mean utilisation and highest temperature.

        A reading the driver does not give, as for a slice of a GPU, counts as none.
        """
        memory = _readings(pynvml.nvmlDeviceGetMemoryInfo, self._gpus)
        busy = _readings(lambda gpu: pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu, self._gpus)
        celsius = _readings(
            lambda gpu: pynvml.nvmlDeviceGetTemperature(gpu, pynvml.NVML_TEMPERATURE_GPU),
            self._gpus,
        )
        return HardwareLoad(
            utilisation=sum(busy) / len(busy) / 100 if busy else 0.0,
            memory_used_bytes=sum(one.used for one in memory),
            memory_total_bytes=sum(one.total for one in memory),
            temperature_celsius=float(max(celsius)) if celsius else None,
        )

    def close(self) -> None:
        """Let go of NVML."""
        pynvml.nvmlShutdown()


class NoGpu(Exception):
    """There is no NVIDIA GPU, or no driver for it."""


def _readings(read: Callable[[Any], Any], gpus: Sequence[Any]) -> list[Any]:
    found = []
    for gpu in gpus:
        with contextlib.suppress(pynvml.NVMLError):
            found.append(read(gpu))
    return found
