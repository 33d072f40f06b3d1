from pathlib import Path

import pytest

from bench.scenarios.policy.cities import City, load_cities
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position

HEADER = "name,country,latitude,longitude,population"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "cities.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_list_that_comes_along_covers_every_continent_and_far_islands() -> None:
    cities = load_cities()
    assert len(cities) >= 320
    found = {city.name for city in cities}
    assert found >= {"Tokyo", "Lagos", "Paris", "New York", "Lima", "Sydney"}
    assert found >= {"Honolulu", "Reykjavík", "Perth", "Auckland", "Anchorage"}


def test_a_row_becomes_a_city_whatever_the_order_of_columns(tmp_path: Path) -> None:
    path = written(
        tmp_path, "population,name,latitude,longitude,country,note", "9000,Ur,30.96,46.1,iq,old"
    )
    assert load_cities(path) == (City("Ur", "IQ", Position(30.96, 46.1), 9000),)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (",FR,48,2,5", "name"),
        ("Paris,France,48,2,5", "country"),
        ("Paris,FR,north,2,5", "latitude"),
        ("Paris,FR,90.5,2,5", "latitude"),
        ("Paris,FR,nan,2,5", "latitude"),
        ("Paris,FR,48,-181,5", "longitude"),
        ("Paris,FR,48,2,0", "population"),
        ("Paris,FR,48,2", "population"),
        ("Oslo,NO,59,10,5", "name"),
    ],
)
def test_a_bad_row_is_refused_by_line_and_column(tmp_path: Path, row: str, column: str) -> None:
    path = written(tmp_path, HEADER, "Oslo,NO,59.9,10.7,700000", row)
    with pytest.raises(InvalidRequest) as raised:
        load_cities(path)
    assert raised.value.field == f"line 3, {column}"
    assert raised.value.limit


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="longitude") as raised:
        load_cities(written(tmp_path, "name,country,latitude,population", "a,FR,1,1"))
    assert raised.value.field == "line 1, longitude"


def test_a_list_without_rows_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no rows"):
        load_cities(written(tmp_path, HEADER))
    with pytest.raises(InvalidRequest, match="cannot read"):
        load_cities(tmp_path / "absent.csv")
