"""`python -m bench overhead`: node, engine and OpenAI server side by side."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from bench.report.figures import Figure
from bench.scenarios.fleet import Served
from bench.scenarios.overhead.figures import figures, plots, rate_ratios, ttft_ratios
from bench.scenarios.overhead.idle import idle_share
from bench.scenarios.overhead.progress import say
from bench.scenarios.overhead.rounds import Plan, Played, play
from bench.scenarios.overhead.systems import running_systems
from bench.scenarios.results import OUT, publish
from bench.scenarios.stage import staged

TITLE = "What the node agent costs"
WORDS = 36
"""About 64 tokens of the demo model."""
ANSWER_TOKENS = 32
_SETTLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class OverheadOptions:
    """One comparison; `out` is the folder that it fills."""

    out: Path
    served: Served = field(default_factory=Served)
    rounds: int = 10
    requests: int = 48
    seed: int = 1
    idle_seconds: float = 15.0


def overhead(
    model: Annotated[str, typer.Option(help="a Hugging Face directory or hub name")] = "demo",
    rounds: Annotated[int, typer.Option(min=1, help="that count, after a warm-up")] = 10,
    requests: Annotated[
        int,
        typer.Option(min=1, help="for each system, level and round; 4 times the level at least"),
    ] = 48,
    seed: Annotated[int, typer.Option(help="of the prompts")] = 1,
    out: Annotated[Path, typer.Option(help="folder for the results")] = OUT / "overhead",
) -> None:
    """Compare the node with the engine in process and with vLLM's OpenAI server.

    All run the same model with the same settings; one at a time is loaded while the others
    sleep, in another order each round, and a round's results are compared with each other.
    """
    options = OverheadOptions(out, Served(model=model), rounds, requests, seed)
    asyncio.run(run_overhead(options))


async def run_overhead(options: OverheadOptions) -> Sequence[Figure]:
    """Measure, leave the results in the folder and return the figures; raises NearfieldError."""
    plan = Plan(options.rounds, options.requests, WORDS, ANSWER_TOKENS, options.seed)
    async with (
        staged(options.out / "run") as stage,
        running_systems(stage, options.served) as systems,
    ):
        played = await play(systems.loaders, plan, options.out / "samples")
        say(f"watching the idle node for {options.idle_seconds:g} s")
        await asyncio.sleep(_SETTLE_SECONDS)
        idle = await idle_share(systems.node_pid, options.idle_seconds)
    found = figures(played, idle)
    publish(options.out, TITLE, found, plots(played), _settings(options, plan), _details(played))
    return found


def _settings(options: OverheadOptions, plan: Plan) -> dict[str, object]:
    return {**asdict(options.served), **asdict(plan), "idle seconds": options.idle_seconds}


def _details(played: Played) -> dict[str, object]:
    ratios = {**ttft_ratios(played), **rate_ratios(played)}
    return {"ratios": {name: asdict(ratio) for name, ratio in ratios.items()}}
