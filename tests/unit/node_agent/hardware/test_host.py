import os

import psutil

from node_agent.hardware.host import HostProbe


def test_a_host_has_cores_and_memory_and_no_accelerator() -> None:
    hardware = HostProbe().identify()
    assert (hardware.accelerator, hardware.accelerators) == ("cpu", 0)
    assert hardware.memory_bytes == psutil.virtual_memory().total
    assert hardware.cpu_cores == os.cpu_count()
    assert hardware.cpu


def test_a_hosts_load_lies_within_its_bounds() -> None:
    probe = HostProbe()
    load = probe.load()
    probe.close()
    assert 0 <= load.utilisation <= 1
    assert 0 < load.memory_used_bytes < load.memory_total_bytes
    assert load.temperature_celsius is None
