"""The cities requests come from, as a list anyone may replace."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position

CITIES = Path(__file__).parent / "cities.csv"
COLUMNS = ("name", "country", "latitude", "longitude", "population")
CITIES_MOST = 10_000


@dataclass(frozen=True, slots=True)
class City:
    """A place requests come from; `country` is two letters, `population` of the urban area."""

    name: str
    country: str
    position: Position
    population: int


def load_cities(path: Path = CITIES) -> tuple[City, ...]:
    """Read a list of cities, in the file's order.

    Raises InvalidRequest, naming line and column, at the first bad row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            _check_header(path, rows.fieldnames or ())
            cities = _cities(rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"cannot read cities {path}: {error}", field="cities") from error
    if not cities:
        raise InvalidRequest(f"cities {path} has no rows", field="cities", limit="1 row or more")
    return cities


def _check_header(path: Path, found: Sequence[str]) -> None:
    for column in COLUMNS:
        if column not in found:
            raise InvalidRequest(
                f"cities {path} lacks column {column} on line 1",
                field=f"line 1, {column}",
                limit=", ".join(COLUMNS),
            )


def _cities(rows: "csv.DictReader[str]") -> tuple[City, ...]:
    first: dict[tuple[str, str], int] = {}
    cities: list[City] = []
    for row in rows:
        city = _city(rows.line_num, row)
        before = first.setdefault((city.name, city.country), rows.line_num)
        if before != rows.line_num:
            raise _bad(rows.line_num, "name", f"{city.name!r} is on line {before} too", "once")
        cities.append(city)
        if len(cities) > CITIES_MOST:
            raise _bad(rows.line_num, "name", "one city too many", f"{CITIES_MOST} cities")
    return tuple(cities)


def _city(line: int, row: Mapping[str, str | None]) -> City:
    name = (row["name"] or "").strip()
    if not name:
        raise _bad(line, "name", "is empty", "1 character or more")
    country = (row["country"] or "").strip().upper()
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise _bad(line, "country", f"{country!r} is no code", "two letters of ISO 3166")
    latitude = _number(line, row, "latitude", -90, 90)
    longitude = _number(line, row, "longitude", -180, 180)
    population = _number(line, row, "population", 1, 1e9)
    return City(name, country, Position(latitude, longitude), int(population))


def _number(
    line: int, row: Mapping[str, str | None], column: str, least: float, most: float
) -> float:
    limit = f"{least:g} to {most:g}"
    try:
        value = float(row[column] or "")
    except ValueError:
        raise _bad(line, column, f"{row[column]!r} is no number", limit) from None
    if not least <= value <= most:  # true for NaN as well
        raise _bad(line, column, f"{value:g} is not in {limit}", limit)
    return value


def _bad(line: int, column: str, what: str, limit: str) -> InvalidRequest:
    return InvalidRequest(
        f"line {line} of the cities, {column}: {what}", field=f"line {line}, {column}", limit=limit
    )
