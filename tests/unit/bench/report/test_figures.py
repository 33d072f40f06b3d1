import json
import os
import platform
from pathlib import Path

import pytest

from bench.report.figures import SUMMARY_FILE, Figure, format_value, machine, write_summary

FIGURES = [
    Figure("TTFT p99", 0.4, "s", "≤ 0.5", True),
    Figure("resumed [share]", 0.9, "share", "≥ 1", False),
    Figure("rate", 12.0, "1/s"),
]


def test_the_summary_holds_figures_machine_and_settings(tmp_path: Path) -> None:
    path = write_summary(tmp_path / "new", "A run", FIGURES, {"seed": 7, "trace": Path("a.csv")})
    assert path == tmp_path / "new" / SUMMARY_FILE
    summary = json.loads(path.read_text(encoding="utf-8"))
    assert list(summary) == ["title", "figures", "machine", "settings"]
    assert summary["title"] == "A run"
    assert summary["figures"][0] == {
        "name": "TTFT p99",
        "value": 0.4,
        "unit": "s",
        "target": "≤ 0.5",
        "holds": True,
    }
    assert summary["figures"][2]["target"] is summary["figures"][2]["holds"] is None
    assert summary["machine"] == machine()
    assert summary["settings"] == {"seed": 7, "trace": "a.csv"}


def test_the_same_is_printed_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_summary(tmp_path, "A [bold] run", FIGURES, {})
    printed = capsys.readouterr().out
    assert "A [bold] run" in printed
    rows = [line.split("│")[1:-1] for line in printed.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["TTFT p99", "0.4", "s", "≤ 0.5", "yes"],
        ["resumed [share]", "0.9", "share", "≥ 1", "no"],
        ["rate", "12", "1/s", "", "-"],
    ]


def test_a_figure_that_is_not_finite_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_summary(tmp_path, "A run", [Figure("share", float("nan"), "")], {})
    assert not (tmp_path / SUMMARY_FILE).exists()


def test_the_machine_is_described() -> None:
    described = machine()
    assert described["cores"] == os.cpu_count()
    assert described["python"] == platform.python_version()
    assert described["cpu"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.123456, "0.1235"), (999.96, "1000"), (12345.6, "12,346"), (-2.5, "-2.5")],
)
def test_numbers_are_written_for_people(value: float, text: str) -> None:
    assert format_value(value) == text
