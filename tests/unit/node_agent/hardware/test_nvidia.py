from dataclasses import dataclass
from types import SimpleNamespace

import pynvml
import pytest

from nearfield.core.node import HardwareLoad
from node_agent.hardware import nvidia
from node_agent.hardware import probe as probes
from node_agent.hardware.host import HostProbe
from node_agent.hardware.nvidia import NoGpu, NvidiaProbe
from node_agent.hardware.probe import find_probe


@dataclass(frozen=True)
class Gpu:
    name: str
    used: int
    total: int
    busy: int
    celsius: int


class Driver:
    """NVML with two GPUs, under the names that pynvml gives its calls."""

    NVMLError = pynvml.NVMLError
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU

    def __init__(self, *gpus: Gpu, loaded: bool = True) -> None:
        self.gpus = gpus
        self.loaded = loaded
        self.open = False

    def nvmlInit(self) -> None:
        if not self.loaded:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
        self.open = True

    def nvmlShutdown(self) -> None:
        self.open = False

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Gpu:
        return self.gpus[index]

    def nvmlDeviceGetName(self, gpu: Gpu) -> str:
        return gpu.name

    def nvmlDeviceGetMemoryInfo(self, gpu: Gpu) -> Gpu:
        return gpu

    def nvmlDeviceGetUtilizationRates(self, gpu: Gpu) -> SimpleNamespace:
        return SimpleNamespace(gpu=gpu.busy)

    def nvmlDeviceGetTemperature(self, gpu: Gpu, sensor: int) -> int:
        assert sensor == self.NVML_TEMPERATURE_GPU
        return gpu.celsius


TWO = (Gpu("NVIDIA H200", 10, 100, 20, 41), Gpu("NVIDIA H200", 30, 100, 60, 55))


def install(
    monkeypatch: pytest.MonkeyPatch, driver: Driver, *, engine_is_for_cpus: bool = False
) -> Driver:
    monkeypatch.setattr(nvidia, "pynvml", driver)
    monkeypatch.setattr(probes, "engine_is_for_cpus", lambda: engine_is_for_cpus)
    return driver


def test_a_host_is_known_by_its_first_gpu_and_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Driver(*TWO))
    hardware = NvidiaProbe().identify()
    assert (hardware.accelerator, hardware.accelerators) == ("NVIDIA H200", 2)
    assert hardware.memory_bytes == 100
    assert hardware.cpu_cores == HostProbe().identify().cpu_cores


def test_the_load_of_two_gpus_is_summed_averaged_and_at_its_hottest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, Driver(*TWO))
    assert NvidiaProbe().load() == HardwareLoad(
        utilisation=0.4, memory_used_bytes=40, memory_total_bytes=200, temperature_celsius=55.0
    )


def test_a_closed_probe_has_let_go_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = install(monkeypatch, Driver(*TWO))
    probe = find_probe()
    assert isinstance(probe, NvidiaProbe)
    assert driver.open
    probe.close()
    assert not driver.open


def test_a_gpu_that_the_engine_cannot_use_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = install(monkeypatch, Driver(*TWO), engine_is_for_cpus=True)
    assert isinstance(find_probe(), HostProbe)
    assert not driver.open


@pytest.mark.parametrize("driver", [Driver(*TWO, loaded=False), Driver()])
def test_without_a_driver_or_a_gpu_the_host_is_probed(
    monkeypatch: pytest.MonkeyPatch, driver: Driver
) -> None:
    install(monkeypatch, driver)
    with pytest.raises(NoGpu):
        NvidiaProbe()
    assert isinstance(find_probe(), HostProbe)
