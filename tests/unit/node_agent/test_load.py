from nearfield.core.node import Hardware, HardwareLoad
from node_agent.engine.simulated import SimulatedEngine
from node_agent.load import LoadMeter
from node_agent.ramp import Ramp
from node_agent.rates import Observation, Rates
from node_agent.workload import Workload
from tests.support.node_builders import HandClock


class CountingProbe:
    """Tells how often it was read in the memory it reports."""

    def __init__(self) -> None:
        self.reads = 0

    def identify(self) -> Hardware:
        return Hardware()

    def load(self) -> HardwareLoad:
        self.reads += 1
        return HardwareLoad(memory_used_bytes=self.reads)

    def close(self) -> None:
        pass


async def test_a_load_joins_what_all_parts_know() -> None:
    engine, workload, rates = SimulatedEngine(slots=3), Workload(), Rates()
    meter = LoadMeter(engine, workload, rates, CountingProbe())
    rates.observe(
        Observation(
            prompt_bytes=400,
            prompt_tokens=100,
            cached_tokens=0,
            written=11,
            first_token=0.1,
            decode=0.5,
            held=0.6,
        )
    )
    await engine.clear_prefix_cache()
    with workload.admit(5) as entry, workload.admit(7):
        workload.mark_started(entry)
        load = meter.refresh()
    assert (load.running, load.waiting, load.waiting_prompt_tokens, load.slots) == (1, 1, 7, 3)
    assert load.prefill_tokens_per_second == rates.prefill_tokens_per_second > 0
    assert (load.decode_tokens_per_second, load.base_seconds) == (20, 0.1)
    assert (load.bytes_per_token, load.service_seconds) == (4, 0.6)
    assert load.ramp == 1.0
    assert load.kv_cache.cleared == 1
    assert load.hardware.memory_used_bytes == 1


def test_only_a_refresh_reads_the_hardware() -> None:
    probe = CountingProbe()
    meter = LoadMeter(SimulatedEngine(), Workload(), Rates(), probe)
    assert meter.read().hardware == HardwareLoad()
    meter.refresh()
    meter.read()
    assert meter.read().hardware.memory_used_bytes == 1
    assert probe.reads == 1


def test_a_node_that_starts_slowly_says_so() -> None:
    clock = HandClock()
    ramp = Ramp(clock)
    meter = LoadMeter(SimulatedEngine(), Workload(), Rates(), CountingProbe(), ramp)
    ramp.start()
    assert meter.read().ramp == 0.1
    clock.now += 10.0
    assert meter.read().ramp == 1.0
