"""`python -m bench ttft`: open-loop load on a fleet."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.report.figures import Figure
from bench.sample import write_samples
from bench.scenarios.results import OUT, publish
from bench.scenarios.ttft import figures as results
from bench.scenarios.ttft.load import Arrivals, Asked, LoadOptions, build
from bench.scenarios.ttft.run import Aim, measure
from bench.statistics import DEFAULT_SLO, Slo
from nearfield.cli.targets import NoWan, Target, control_plane, emulates_distance
from nearfield.core.geo import parse_position

SAMPLES_FILE = "samples.jsonl"


@dataclass(frozen=True, slots=True)
class TtftOptions:
    """One run; `out` is the folder that it fills."""

    aim: Aim
    load: LoadOptions
    slo: Slo
    out: Path


def ttft(
    rate: Annotated[float, typer.Option(help="requests a second; a trace has its own")] = 5.0,
    duration: Annotated[float, typer.Option(help="seconds that count")] = 60.0,
    warm_up: Annotated[float, typer.Option(help="seconds before them that do not")] = 5.0,
    near: Annotated[
        list[str] | None,
        typer.Option(help="a client's place; give several to use them in turn", metavar="LAT,LON"),
    ] = None,
    arrivals: Annotated[Arrivals, typer.Option(help="how requests come")] = Arrivals.POISSON,
    trace: Annotated[
        Path | None, typer.Option(help="CSV or JSONL: timestamp, input and output tokens")
    ] = None,
    burstiness: Annotated[
        float | None, typer.Option(help="shape of gamma gaps; below 1 they come in bursts")
    ] = None,
    workload: Annotated[Asked, typer.Option(help="what they ask")] = Asked.QUESTIONS,
    words: Annotated[int, typer.Option(help="of a synthetic prompt")] = 48,
    max_tokens: Annotated[int, typer.Option(help="of an answer")] = 64,
    model: Annotated[str, typer.Option(help="by default the fleet's only one")] = "",
    slo_ttft: Annotated[float, typer.Option(help="seconds to the first token")] = DEFAULT_SLO.ttft,
    slo_tpot: Annotated[float, typer.Option(help="seconds a token after it")] = DEFAULT_SLO.tpot,
    seed: Annotated[int, typer.Option(help="of arrivals and prompts")] = 1,
    target: Target = "",
    no_wan: NoWan = False,
    out: Annotated[Path, typer.Option(help="folder for the results")] = OUT / "ttft",
) -> None:
    """Send requests on a schedule and tell how soon first tokens come.

    Time counts from when a request was meant to be sent, whatever holds it up.
    """
    places = tuple(parse_position(text) for text in near or ()) or (None,)
    load = LoadOptions(
        rate=rate,
        duration=duration,
        warm_up=warm_up,
        arrivals=arrivals,
        trace=trace,
        burstiness=burstiness,
        workload=workload,
        words=words,
        max_tokens=max_tokens,
        seed=seed,
    )
    aim = Aim(control_plane(target), model, places, no_wan)
    asyncio.run(run_ttft(TtftOptions(aim, load, Slo(slo_ttft, slo_tpot), out)))


async def run_ttft(options: TtftOptions) -> Sequence[Figure]:
    """Measure, leave the results in the folder and return the figures; raises NearfieldError."""
    aim, slo, warm_up = options.aim, options.slo, options.load.warm_up
    run = await measure(aim, build(options.load))
    options.out.mkdir(parents=True, exist_ok=True)
    write_samples(options.out / SAMPLES_FILE, run.samples)
    results.counted(run.samples, warm_up)
    found = results.figures(run, slo, warm_up)
    plots = results.plots(run, aim.places, slo, warm_up)
    publish(options.out, _title(aim), found, plots, _settings(options, run.model))
    return found


def _title(aim: Aim) -> str:
    emulated = any(emulates_distance(aim.target, where, aim.no_wan) for where in aim.places)
    return "Time to first token" + (", with EMULATED distance" if emulated else "")


def _settings(options: TtftOptions, model: str) -> dict[str, object]:
    places = "; ".join(results.name_of(where) for where in options.aim.places if where)
    load = {name: str(value) for name, value in asdict(options.load).items() if value is not None}
    return {
        "target": options.aim.target,
        "model": model,
        "clients near": places or "nowhere in particular",
        **load,
        "SLO TTFT, s": options.slo.ttft,
        "SLO TPOT, s": options.slo.tpot,
    }
