"""When requests are meant to be sent: offsets from the start of a run, in seconds.

The whole schedule is drawn from one seed before the run starts, so that no answer, however
late, can move the next request.
"""

import csv
import json
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate, count, takewhile
from pathlib import Path

from nearfield.core.errors import InvalidRequest

TRACE_COLUMNS = "timestamp, input, output"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of a trace: offset in seconds, input and output in tokens."""

    offset: float
    input: int
    output: int


def poisson(rate: float, duration: float, seed: int) -> list[float]:
    """Return the arrivals of `duration` seconds at a mean of `rate` a second."""
    return gamma(rate, duration, 1.0, seed)


def gamma(rate: float, duration: float, burstiness: float, seed: int) -> list[float]:
    """Return arrivals whose gaps follow a gamma distribution of shape `burstiness`.

    At 1 they are Poisson; below 1 they come in bursts, above 1 more evenly.
    Raises InvalidRequest unless all three numbers are above 0.
    """
    _check_positive("rate", rate)
    _check_positive("duration", duration)
    _check_positive("burstiness", burstiness)
    rng = random.Random(seed)
    gaps = (rng.gammavariate(burstiness, 1 / (rate * burstiness)) for _ in count())
    return list(takewhile(lambda offset: offset < duration, accumulate(gaps)))


def replay(path: Path) -> list[Arrival]:
    """Read a trace, `.csv` or `.jsonl`: timestamp in seconds, input and output in tokens.

    Other columns are ignored. The earliest row becomes offset 0; rows may be in any order.
    Raises InvalidRequest, naming the row.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise InvalidRequest(f"trace {path} is none of {known}", field="trace", limit=known)
    try:
        rows = reader(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"cannot read trace {path}: {error}", field="trace") from error
    arrivals = [_arrival(number, row) for number, row in enumerate(rows, start=1)]
    if not arrivals:
        raise InvalidRequest(f"trace {path} has no rows", field="trace", limit="1 row or more")
    first = min(arrival.offset for arrival in arrivals)
    moved = (Arrival(one.offset - first, one.input, one.output) for one in arrivals)
    return sorted(moved, key=lambda arrival: arrival.offset)


def _rows_of_csv(text: str) -> list[Mapping[str, object]]:
    return list(csv.DictReader(text.splitlines()))


def _rows_of_jsonl(text: str) -> list[Mapping[str, object]]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


_READERS: dict[str, Callable[[str], list[Mapping[str, object]]]] = {
    ".csv": _rows_of_csv,
    ".jsonl": _rows_of_jsonl,
}


def _arrival(number: int, row: Mapping[str, object]) -> Arrival:
    try:
        arrival = Arrival(
            offset=float(str(row["timestamp"])),
            input=int(str(row["input"])),
            output=int(str(row["output"])),
        )
    except (KeyError, TypeError, ValueError):
        raise _bad_row(number, f"needs numbers for {TRACE_COLUMNS}", TRACE_COLUMNS) from None
    if not math.isfinite(arrival.offset):
        raise _bad_row(number, "has no finite timestamp", "finite seconds")
    if arrival.input < 1 or arrival.output < 1:
        raise _bad_row(number, "needs 1 token or more in and out", "1 or more")
    return arrival


def _bad_row(number: int, what: str, limit: str) -> InvalidRequest:
    return InvalidRequest(f"row {number} of the trace {what}", field=f"row {number}", limit=limit)


def _check_positive(field: str, value: float) -> None:
    if not 0 < value < math.inf:  # false for NaN as well
        raise InvalidRequest(f"{field} {value} is not above 0", field=field, limit="above 0")
