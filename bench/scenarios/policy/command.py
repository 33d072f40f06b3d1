"""`python -m bench policy`: routing policies side by side, in virtual time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.report.figures import Figure
from bench.scenarios.policy.cities import CITIES, City, load_cities
from bench.scenarios.policy.figures import Compared, details, figures
from bench.scenarios.policy.fleet import KINDS, Distances, World, build_world
from bench.scenarios.policy.outcome import write_results
from bench.scenarios.policy.plots import plots
from bench.scenarios.policy.real.command import run_real
from bench.scenarios.policy.runs import (
    CENTRAL,
    POLICIES,
    WARM_UP_SHARE,
    Load,
    Played,
    bounds,
    counted,
    play_trace,
    play_workload,
    simulate,
)
from bench.scenarios.policy.simulation import Result
from bench.scenarios.policy.workloads import ANSWER, PROMPT, QUESTION, WORKLOADS
from bench.scenarios.results import OUT, publish
from nearfield.core.clock import monotonic
from nearfield.core.errors import InvalidRequest

QUICKER = 10
"""Times fewer requests and nodes: as much virtual time, and the same load."""
REQUESTS_LEAST, REQUESTS_MOST = 100, 2_000_000


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """One comparison; `workloads` of none are all, unless there is a trace."""

    cities: Path = CITIES
    trace: Path | None = None
    nodes: int = 4300
    workloads: tuple[str, ...] = ()
    load: Load = field(default_factory=Load)
    out: Path = OUT / "policy"


def policy(
    cities: Annotated[Path, typer.Option(help="CSV of cities of your own")] = CITIES,
    trace: Annotated[
        Path | None, typer.Option(help="CSV or JSONL of requests, instead of the workloads")
    ] = None,
    nodes: Annotated[int, typer.Option(help="in the fleet")] = 4300,
    load: Annotated[float, typer.Option(help="share of all slots that is asked for")] = 0.7,
    workload: Annotated[
        list[str] | None, typer.Option(help=f"of {', '.join(WORKLOADS)}; give several for more")
    ] = None,
    requests: Annotated[int, typer.Option(help="of one workload, warm-up included")] = 60_000,
    quick: Annotated[
        bool, typer.Option(help="a tenth of the requests and of the nodes: about a minute")
    ] = False,
    seed: Annotated[int, typer.Option(help="of places, arrivals and prompts")] = 1,
    real: Annotated[
        bool, typer.Option("--real", help="four real nodes instead: six minutes, quick two")
    ] = False,
    out: Annotated[Path, typer.Option(help="folder for the results")] = OUT / "policy",
) -> None:
    """Compare routing policies on the same demand over a world of thousands of nodes.

    Time is virtual; the routing is the product's own code. A trace is played faster or slower
    so that it makes the load. With --real it is vLLM and the clock on the wall, at emulated
    distances, and the demand is its own.
    """
    if real:
        if trace is not None or workload:
            raise InvalidRequest("--real has a demand of its own", field="real", limit="alone")
        run_real(out, quick=quick, seed=seed)
        return
    fewer = QUICKER if quick else 1
    asked = Load(max(REQUESTS_LEAST, requests // fewer), load, seed)
    nodes = max(1, nodes // fewer)
    run_policy(PolicyOptions(cities, trace, nodes, tuple(workload or ()), asked, out))


def run_policy(options: PolicyOptions) -> Sequence[Figure]:
    """Compare, leave the results in the folder and return the figures; raises InvalidRequest."""
    _check(options)
    cities = load_cities(options.cities)
    world = build_world(cities, options.nodes, options.load.seed)
    comparer = _Comparer(world, options.load.seed)
    compared, raw = [], {}
    for played in _played(options, world):
        one, results = comparer.compare(played)
        compared.append(one)
        raw.update(results)
    write_results(options.out, raw)
    found = figures(compared, options.load.load)
    drawn = plots(compared, cities)
    title = "Routing policies, in virtual time"
    publish(options.out, title, found, drawn, _settings(options, world, cities), details(compared))
    return found


class _Comparer:
    """Plays workloads in one world; distances are worked out once for all of them."""

    def __init__(self, world: World, seed: int) -> None:
        self._seed = seed
        self._edge = world, Distances(world)
        centre = world.centralised()
        self._centre = centre, Distances(centre)
        self._console = Console(stderr=True)

    def compare(self, played: Played) -> tuple[Compared, dict[tuple[str, str], list[Result]]]:
        """Return what counts, by policy, and the same as raw results."""
        keep = set(counted(played))
        results: dict[str, list[Result]] = {}
        for name in POLICIES:
            started = monotonic()
            world, distances = self._centre if name == CENTRAL else self._edge
            came = simulate(name, played, world, distances, self._seed)
            results[name] = [one for one in came if one.number in keep]
            self._say(played, name, monotonic() - started)
        least = bounds(played, *self._edge)
        kept = [seconds for number, seconds in enumerate(least) if number in keep]
        raw = {(played.name, name): came for name, came in results.items()}
        return Compared(played.name, results, kept), raw

    def _say(self, played: Played, policy: str, seconds: float) -> None:
        asked = f"{len(played.asked)} requests of {played.seconds:.0f} virtual seconds"
        text = f"{played.name}, {policy}: {asked} in {seconds:.1f} s"
        self._console.print(text, highlight=False, soft_wrap=True)


def _played(options: PolicyOptions, world: World) -> Iterator[Played]:
    if options.trace is not None:
        yield play_trace(options.trace, world, options.load)
        return
    for name in options.workloads or tuple(WORKLOADS):
        yield play_workload(name, world, options.load)


def _check(options: PolicyOptions) -> None:
    if options.trace is not None and options.workloads:
        raise InvalidRequest("a trace is a workload", field="workload", limit="trace or workload")
    for name in options.workloads:
        if name not in WORKLOADS:
            known = ", ".join(WORKLOADS)
            raise InvalidRequest(f"no workload is named {name!r}", field="workload", limit=known)
    if not REQUESTS_LEAST <= options.load.requests <= REQUESTS_MOST:
        limit = f"{REQUESTS_LEAST} to {REQUESTS_MOST}"
        raise InvalidRequest(
            f"{options.load.requests} requests is not {limit}", field="requests", limit=limit
        )


def _settings(options: PolicyOptions, world: World, cities: Sequence[City]) -> Mapping[str, object]:
    kinds = "; ".join(
        f"{share:.0%} {kind.name}: {kind.slots} slots, prefill {kind.prefill:g} tokens/s, "
        f"decode {kind.decode_alone:g} to {kind.decode_full:g} tokens/s, base {kind.base:g} s, "
        f"cache {kind.cache_blocks * 64} tokens"
        for share, kind in KINDS
    )
    return {
        "cities": f"{len(cities)} of {options.cities.name}",
        "nodes": f"{len(world.sites)} with {world.slots} slots",
        "kinds of node": kinds,
        "slots": "a fifth to a quarter of what such a GPU has: so few requests are a real load, "
        "and a slot is waited for the longer",
        "at the start": "slots taken as the load asks, rates learned, caches empty; the first "
        f"{WARM_UP_SHARE:.0%} of a run do not count",
        "prompt, question, answer": "; ".join(
            f"{name}: lognormal, median {one.median} tokens, sigma {one.sigma}, "
            f"{one.least} to {one.most}"
            for name, one in (("prompt", PROMPT), ("question", QUESTION), ("answer", ANSWER))
        ),
        "load asked for": options.load.load,
        "requests a workload": options.load.requests,
        "seed": options.load.seed,
        "trace": options.trace or "none",
    }
