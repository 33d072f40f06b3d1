"""A trace of one's own as arrivals: CSV or JSONL, checked line by line."""

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.scenarios.policy.cities import City
from bench.scenarios.policy.prompts import Arrival, Segment, arrival
from nearfield.core.errors import InvalidRequest

Row = tuple[int, Mapping[str, object]]
"""The line it is on, and its fields."""
ROWS_MOST = 2_000_000
TOKENS_MOST = 1_000_000


def load_trace(path: Path, cities: Sequence[City]) -> tuple[Arrival, ...]:
    """Read `.csv` or `.jsonl` rows of at, city, prompt_tokens and answer_tokens.

    `at` is seconds, in any order; the earliest becomes 0. `city` is a name of `cities` (of
    two cities the more populous) or `name, country`. Rows of one `prefix` begin with the same
    `prefix_tokens` tokens; both are optional, but not one without the other.
    Raises InvalidRequest, naming line and field.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise InvalidRequest(f"trace {path} is none of {known}", field="trace", limit=known)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"cannot read trace {path}: {error}", field="trace") from error
    indices = _indices(cities)
    arrivals: list[Arrival] = []
    for line, row in reader(text):
        if len(arrivals) == ROWS_MOST:
            raise _bad(line, "row", "one too many", f"{ROWS_MOST} rows")
        arrivals.append(_arrival(line, row, indices))
    return _from_zero(path, arrivals)


def _from_zero(path: Path, arrivals: Sequence[Arrival]) -> tuple[Arrival, ...]:
    if not arrivals:
        raise InvalidRequest(f"trace {path} has no rows", field="trace", limit="1 row or more")
    ordered = sorted(arrivals, key=lambda one: one.at)
    first = ordered[0].at
    return tuple(replace(one, at=one.at - first) for one in ordered)


def _rows_of_csv(text: str) -> Iterator[Row]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in rows:
            # The reader gives None for what a short line lacks.
            yield rows.line_num, {name: value for name, value in row.items() if value is not None}
    except csv.Error as error:
        raise _bad(rows.line_num, "row", f"is no CSV: {error}", "CSV") from error


def _rows_of_jsonl(text: str) -> Iterator[Row]:
    for line, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        try:
            row = json.loads(written)
        except (ValueError, RecursionError) as error:
            raise _bad(line, "row", f"is no JSON: {error}", "one object a line") from error
        if not isinstance(row, dict):
            raise _bad(line, "row", "is no object", "one object a line")
        yield line, row


_READERS: dict[str, Callable[[str], Iterator[Row]]] = {
    ".csv": _rows_of_csv,
    ".jsonl": _rows_of_jsonl,
}


def _indices(cities: Sequence[City]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index in sorted(range(len(cities)), key=lambda index: cities[index].population):
        found[cities[index].name] = index
        found[f"{cities[index].name}, {cities[index].country}"] = index
    return found


def _arrival(line: int, row: Mapping[str, object], indices: Mapping[str, int]) -> Arrival:
    at = _seconds(line, row)
    city = indices.get(_text(line, row, "city"))
    if city is None:
        raise _bad(line, "city", f"{row['city']!r} is not in the list", "a city of the list")
    prompt_tokens = _tokens(line, row, "prompt_tokens", TOKENS_MOST)
    answer_tokens = _tokens(line, row, "answer_tokens", TOKENS_MOST)
    return arrival(at, city, _prefix(line, row, prompt_tokens), answer_tokens)


def _prefix(line: int, row: Mapping[str, object], tokens: int) -> tuple[Segment, ...]:
    own = _id(f"line {line}")
    given = [name for name in ("prefix", "prefix_tokens") if _given(row, name)]
    if not given:
        return (Segment(own, tokens),)
    name = _text(line, row, "prefix")
    same = Segment(_id(f"prefix {name}"), _tokens(line, row, "prefix_tokens", tokens))
    rest = tokens - same.tokens
    return (same, Segment(own, rest)) if rest else (same,)


def _seconds(line: int, row: Mapping[str, object]) -> float:
    text = _text(line, row, "at")
    try:
        at = float(text)
    except ValueError:
        at = math.nan
    if not math.isfinite(at):
        raise _bad(line, "at", f"{text!r} is no number", "finite seconds")
    return at


def _tokens(line: int, row: Mapping[str, object], field: str, most: int) -> int:
    text = _text(line, row, field)
    limit = f"1 to {most}"
    try:
        tokens = int(text)
    except ValueError:
        raise _bad(line, field, f"{text!r} is no whole number", limit) from None
    if not 1 <= tokens <= most:
        raise _bad(line, field, f"{tokens} is not {limit}", limit)
    return tokens


def _text(line: int, row: Mapping[str, object], field: str) -> str:
    if not _given(row, field):
        raise _bad(line, field, "is missing", "a value")
    return str(row[field]).strip()


def _given(row: Mapping[str, object], field: str) -> bool:
    return row.get(field) is not None and str(row[field]).strip() != ""


def _id(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _bad(line: int, field: str, what: str, limit: str) -> InvalidRequest:
    return InvalidRequest(
        f"line {line} of the trace, {field}: {what}", field=f"line {line}, {field}", limit=limit
    )
