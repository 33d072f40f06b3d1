"""The part of `python -m bench policy` that runs on real nodes."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from bench.report.figures import Figure
from bench.scenarios.policy.real.cast import PLACES
from bench.scenarios.policy.real.figures import details, figures, lower_bounds, played, round_means
from bench.scenarios.policy.real.fleet import POPS, SLOTS
from bench.scenarios.policy.real.plays import Row
from bench.scenarios.policy.real.plots import plots
from bench.scenarios.policy.real.run import QUICK, RealOptions, play_all
from bench.scenarios.policy.real.scenes import ANSWER_TOKENS, SYSTEM_WORDS
from bench.scenarios.results import publish

SAMPLES_FILE = "samples.jsonl"
TITLE = "Policies on four real nodes, with EMULATED distance"


def run_real(out: Path, *, quick: bool = False, seed: int = 1) -> Sequence[Figure]:
    """Run it, leave the results in the folder and return the figures; raises NearfieldError."""
    options = replace(QUICK if quick else RealOptions(), seed=seed)
    return measure_real(options, out.absolute())


def measure_real(options: RealOptions, out: Path) -> Sequence[Figure]:
    """Run what the options say; see `run_real`."""
    out.mkdir(parents=True, exist_ok=True)
    result = asyncio.run(play_all(options, out / "fleet"))
    write_rows(out / SAMPLES_FILE, result.rows)
    bounds = lower_bounds(result.rows, result.sites)
    found = figures(result.rows, bounds, result.busy)
    means = {**round_means(played(result.rows)), **bounds}
    publish(out, TITLE, found, plots(result.rows, means), _settings(options), details(result.rows))
    return found


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write one line of JSON for each request."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(row), allow_nan=False) + "\n" for row in rows)


def _settings(options: RealOptions) -> dict[str, object]:
    return {
        "nodes": ", ".join(POPS),
        "slots a node": SLOTS,
        "clients in": ", ".join(PLACES),
        "words of a shared system prompt": SYSTEM_WORDS,
        "tokens of an answer": ANSWER_TOKENS,
        **asdict(options),
    }
