"""The load a node reports, put together from those who know the parts."""

from nearfield.core.node import HardwareLoad, NodeLoad
from node_agent.engine.base import Engine
from node_agent.hardware.probe import Probe
from node_agent.ramp import Ramp
from node_agent.rates import Rates
from node_agent.workload import Workload


class LoadMeter:
    """Hardware is read by `refresh`, at the pace of reports; the rest is of the moment."""

    def __init__(
        self,
        engine: Engine,
        workload: Workload,
        rates: Rates,
        probe: Probe,
        ramp: Ramp | None = None,
    ) -> None:
        self._engine = engine
        self._workload = workload
        self._rates = rates
        self._probe = probe
        self._ramp = ramp or Ramp()
        self._hardware = HardwareLoad()

    def refresh(self) -> NodeLoad:
        """Read the hardware again and return the whole load."""
        self._hardware = self._probe.load()
        return self.read()

    def read(self) -> NodeLoad:
        """Return the load of this moment, with the hardware as last read."""
        stats = self._engine.stats()
        return NodeLoad(
            running=self._workload.running,
            waiting=self._workload.waiting,
            waiting_prompt_tokens=self._workload.waiting_prompt_tokens,
            slots=self._engine.info.slots,
            kv_cache=stats.kv_cache,
            prefill_tokens_per_second=self._rates.prefill_tokens_per_second,
            decode_tokens_per_second=self._rates.decode_tokens_per_second,
            base_seconds=self._rates.base_seconds,
            steps=stats.steps,
            hardware=self._hardware,
            bytes_per_token=self._rates.bytes_per_token,
            service_seconds=self._rates.service_seconds,
            ramp=self._ramp.share,
        )
