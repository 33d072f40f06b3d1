"""`python -m bench gpu`: is a node right on this GPU, and how fast; behind `make gpu-check`."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bench.scenarios.gpu.examination import Examination, examine
from bench.scenarios.gpu.models import SHAPES, Size
from bench.scenarios.results import OUT
from node_agent.hardware.nvidia import NoGpu, NvidiaProbe

NO_GPU = 2


def gpu(
    size: Annotated[Size, typer.Option(help="shape of the model, of a billion parameters")] = (
        Size.B1
    ),
    out: Annotated[Path, typer.Option(help="the file for all results")] = OUT / "gpu.json",
    rounds: Annotated[int, typer.Option(min=1, help="of the overhead bench")] = 10,
    duration: Annotated[float, typer.Option(help="seconds of the ttft bench")] = 60.0,
    rate: Annotated[float, typer.Option(help="requests a second of the ttft bench")] = 8.0,
) -> None:
    """Check and measure a node on this machine's NVIDIA GPU, with made-up weights.

    Ends with 2 where there is no GPU, with 1 where a check fails.
    """
    try:
        NvidiaProbe().close()
    except NoGpu as error:
        print(f"error: no NVIDIA GPU here: {error}; this bench needs one", file=sys.stderr)
        raise typer.Exit(NO_GPU) from None
    with tempfile.TemporaryDirectory(prefix="nearfield-gpu-") as folder:
        plan = Examination(SHAPES[size], str(size), out, Path(folder), rounds, duration, rate)
        if not asyncio.run(examine(plan)):
            raise typer.Exit(1)
