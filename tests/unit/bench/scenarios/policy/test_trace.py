import json
from pathlib import Path

import pytest

from bench.scenarios.policy.cities import City
from bench.scenarios.policy.prompts import keys
from bench.scenarios.policy.trace import load_trace
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position

CITIES = (
    City("London", "CA", Position(43, -81), 400_000),
    City("London", "GB", Position(51.5, 0), 9_000_000),
    City("Lima", "PE", Position(-12, -77), 10_000_000),
)
HEADER = "at,city,prompt_tokens,answer_tokens,prefix,prefix_tokens"
GOOD = {"at": 1, "city": "Lima", "prompt_tokens": 300, "answer_tokens": 20}


def csv_of(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "trace.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return path


def jsonl_of(folder: Path, *rows: str) -> Path:
    path = folder / "trace.jsonl"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_rows_in_any_order_become_arrivals_from_zero(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "12.5,Lima,300,20,,", "10,London,64,5,,")
    first, second = load_trace(path, CITIES)
    assert (first.at, first.city, first.prompt_tokens, first.answer_tokens) == (0.0, 1, 64, 5)
    assert (second.at, second.city, second.prompt_tokens, second.answer_tokens) == (2.5, 2, 300, 20)


def test_csv_and_jsonl_say_the_same(tmp_path: Path) -> None:
    rows = [GOOD, {**GOOD, "at": 2, "prefix": "help", "prefix_tokens": 128}]
    jsonl = load_trace(jsonl_of(tmp_path, *map(json.dumps, rows)), CITIES)
    table = csv_of(tmp_path, "1,Lima,300,20,,", "2,Lima,300,20,help,128")
    of_csv = load_trace(table, CITIES)
    assert [(one.at, one.city, one.answer_tokens) for one in jsonl] == [
        (one.at, one.city, one.answer_tokens) for one in of_csv
    ]
    assert keys(jsonl[1])[:2] == keys(of_csv[1])[:2]


def test_a_name_means_the_more_populous_city_unless_its_country_is_given(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "0,London,1,1,,", '1,"London, CA",1,1,,')
    assert [one.city for one in load_trace(path, CITIES)] == [1, 0]


def test_rows_of_one_prefix_share_its_keys_and_no_more(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "0,Lima,300,1,a,128", "1,Lima,300,1,a,128", "2,Lima,300,1,b,128")
    one, same, other = (keys(arrival) for arrival in load_trace(path, CITIES))
    assert one[:2] == same[:2]
    assert one[2] != same[2]
    assert not set(one) & set(other)


def test_columns_of_prefixes_may_be_left_out(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "0,Lima,300,1", header="at,city,prompt_tokens,answer_tokens")
    (only,) = load_trace(path, CITIES)
    assert len(only.prefix) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"at": "soon"}, "at"),
        ({"at": float("nan")}, "at"),
        ({"at": None}, "at"),
        ({"city": "Atlantis"}, "city"),
        ({"city": ""}, "city"),
        ({"prompt_tokens": 0}, "prompt_tokens"),
        ({"prompt_tokens": 1.5}, "prompt_tokens"),
        ({"answer_tokens": 1_000_001}, "answer_tokens"),
        ({"prefix": "a"}, "prefix_tokens"),
        ({"prefix_tokens": 5}, "prefix"),
        ({"prefix": "a", "prefix_tokens": 301}, "prefix_tokens"),
    ],
)
def test_a_bad_row_is_refused_by_line_and_field(
    tmp_path: Path, change: dict[str, object], field: str
) -> None:
    path = jsonl_of(tmp_path, json.dumps(GOOD), "", json.dumps({**GOOD, **change}))
    with pytest.raises(InvalidRequest) as raised:
        load_trace(path, CITIES)
    assert raised.value.field == f"line 3, {field}"
    assert raised.value.limit


@pytest.mark.parametrize("row", ["{", "[1]", "[" * 100_000])
def test_a_line_that_is_no_object_is_refused_by_its_number(tmp_path: Path, row: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        load_trace(jsonl_of(tmp_path, json.dumps(GOOD), row), CITIES)
    assert raised.value.field == "line 2, row"


def test_a_short_line_of_a_table_lacks_its_last_fields(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as raised:
        load_trace(csv_of(tmp_path, "0,Lima,300,1,,", "0,Lima,300"), CITIES)
    assert raised.value.field == "line 3, answer_tokens"


def test_a_trace_without_rows_of_another_kind_or_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no rows"):
        load_trace(csv_of(tmp_path), CITIES)
    with pytest.raises(InvalidRequest, match="none of"):
        load_trace(tmp_path / "trace.parquet", CITIES)
    with pytest.raises(InvalidRequest, match="cannot read"):
        load_trace(tmp_path / "absent.csv", CITIES)
