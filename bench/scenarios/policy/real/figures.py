"""What a run says: every policy over ours, ours over the lower bound, and the predictions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bench.report.figures import Figure
from bench.sample import SampleOutcome, answered
from bench.scenarios.policy.real.cast import OURS, PLACES
from bench.scenarios.policy.real.choosers import Site
from bench.scenarios.policy.real.foretold import Foretold, median_error, median_terms
from bench.scenarios.policy.real.plays import Row
from bench.scenarios.policy.real.run import LEARNING
from bench.scenarios.results import at_most
from bench.statistics import Ratio, paired_ratio, percentile
from nearfield.core.errors import InternalError
from nearfield.core.geo import expected_round_trip

LOWER_BOUND = "lower bound"
ERROR_MOST = 20.0
"""Percent by which the median prediction may be off."""
MS, PERCENT = 1000.0, 100.0
Means = Mapping[tuple[str, str], Sequence[float]]
"""Mean seconds to the first token of each round, by policy and scene."""


def played(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that count; raises InternalError where ours answered none of them."""
    counted = [row for row in rows if row.scene != LEARNING]
    ours = [row.sample for row in counted if row.policy == OURS]
    if not answered(ours):
        why = next((one.error for one in ours if one.error), "nothing was asked")
        raise InternalError(f"none of {len(ours)} requests had a first token: {why}")
    return counted


def figures(rows: Sequence[Row], bounds: Means, busy: float) -> list[Figure]:
    """Return the figures of a run, by scene; `busy` is the share of the machine's cores."""
    counted = played(rows)
    ours = [row for row in counted if row.policy == OURS]
    means = {**round_means(counted), **bounds}
    found = _predictions(ours)
    found += _ratios(means)
    found += [
        Figure(f"TTFT mean, {scene}, {policy}", MS * sum(each) / len(each), "ms")
        for (policy, scene), each in means.items()
    ]
    lost = sum(row.sample.outcome is not SampleOutcome.OK for row in ours)
    others = sum(
        row.sample.outcome is not SampleOutcome.OK for row in counted if row.policy != OURS
    )
    late = percentile([row.sample.schedule_delay for row in counted], 99)
    return [
        *found,
        at_most("not answered, ours", lost, "requests", 0),
        Figure("not answered, others", others, "requests"),
        Figure("requests that count", len(counted), "requests"),
        Figure("schedule delay p99", MS * late, "ms"),
        Figure("processor busy", PERCENT * busy, "%"),
    ]


def round_means(rows: Iterable[Row]) -> dict[tuple[str, str], list[float]]:
    """Return each policy's mean TTFT of each round by scene, of answered requests."""
    found: defaultdict[tuple[str, str], defaultdict[int, list[float]]]
    found = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.sample.ttft is not None:
            found[row.policy, row.scene][row.round].append(row.sample.ttft)
    return {
        key: [sum(each) / len(each) for _, each in sorted(rounds.items())]
        for key, rounds in found.items()
    }


def lower_bounds(rows: Sequence[Row], sites: Sequence[Site]) -> Means:
    """Return what no policy can beat: a request's shortest path and its least prefill by any."""
    least: dict[tuple[str, int, int], tuple[int, float]] = {}
    for row in played(rows):
        if row.sample.ttft is None:
            continue
        key, prefill = (row.scene, row.round, row.sample.index), row.sample.split.prefill
        least[key] = row.place, min(prefill, least.get(key, (0, prefill))[1])
    trips = [_shortest(place, sites) for place in range(len(PLACES))]
    found: defaultdict[tuple[str, str], defaultdict[int, list[float]]]
    found = defaultdict(lambda: defaultdict(list))
    for (scene, number, _), (place, prefill) in least.items():
        found[LOWER_BOUND, scene][number].append(trips[place] + prefill)
    return {
        key: [sum(each) / len(each) for _, each in sorted(rounds.items())]
        for key, rounds in found.items()
    }


def ratios(means: Means) -> dict[str, Ratio]:
    """Return each policy's TTFT over ours, and ours over the bound, by what is compared."""
    found = {}
    for (policy, scene), theirs in means.items():
        mine = means.get((OURS, scene), ())
        if policy == OURS or len(mine) != len(theirs):
            continue
        if policy == LOWER_BOUND:
            found[f"{scene}: ours over {policy}"] = paired_ratio(mine, theirs)
        else:
            found[f"{scene}: {policy} over ours"] = paired_ratio(theirs, mine)
    return dict(sorted(found.items()))


def foretold_rows(rows: Iterable[Row]) -> list[tuple[str, Foretold]]:
    """Return the predictions that count, with their scenes."""
    return [
        (row.scene, row.foretold)
        for row in rows
        if row.policy == OURS and row.scene != LEARNING and row.foretold is not None
    ]


def details(rows: Sequence[Row]) -> dict[str, object]:
    """Return the medians of what predictions are made of, by scene, in milliseconds."""
    by_scene: defaultdict[str, list[Foretold]] = defaultdict(list)
    for scene, one in foretold_rows(rows):
        by_scene[scene].append(one)
    return {f"terms, {scene}": median_terms(seen) for scene, seen in by_scene.items()}


def _predictions(ours: Sequence[Row]) -> list[Figure]:
    seen = foretold_rows(ours)
    name = "prediction, median absolute error"
    found = [at_most(name, PERCENT * median_error(one for _, one in seen), "%", ERROR_MOST)]
    found += [
        Figure(
            f"{name}, {scene}", PERCENT * median_error(one for at, one in seen if at == scene), "%"
        )
        for scene in dict.fromkeys(scene for scene, _ in seen)
    ]
    return [*found, Figure("predictions that count", len(seen), "requests")]


def _ratios(means: Means) -> list[Figure]:
    found = []
    for name, ratio in ratios(means).items():
        found += [
            Figure(name, ratio.median, "ratio"),
            Figure(f"{name}, least round", ratio.low, "ratio"),
            Figure(f"{name}, most round", ratio.high, "ratio"),
        ]
    return found


def _shortest(place: int, sites: Sequence[Site]) -> float:
    here = tuple(PLACES.values())[place]
    return min(expected_round_trip(here, site.position) for site in sites)
