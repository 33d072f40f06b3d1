import json
from pathlib import Path

import pytest

from bench.report.figures import Figure
from bench.scenarios.results import at_least, at_most, below, publish


def test_at_most_holds_up_to_its_limit() -> None:
    assert at_most("x", 2.0, "ms", 2.0) == Figure("x", 2.0, "ms", "≤ 2", True)
    assert at_most("x", 2.1, "ms", 2.0).holds is False


def test_below_does_not_hold_at_its_limit() -> None:
    assert below("x", 1.0, "", 1.0) == Figure("x", 1.0, "", "< 1", False)
    assert below("x", 0.99, "", 1.0).holds is True


def test_at_least_holds_from_its_limit_on() -> None:
    assert at_least("x", 0.92, "", 0.92) == Figure("x", 0.92, "", "≥ 0.92", True)
    assert at_least("x", 0.91, "", 0.92).holds is False


def test_details_are_in_the_summary_and_not_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plots = {"A caption": "<svg></svg>"}
    publish(tmp_path, "A run", [at_most("x", 1, "", 2)], plots, {"rate": 5}, {"spread": "wide"})
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["settings"] == {"rate": 5, "spread": "wide"}
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "A caption" in page
    assert "wide" not in page
    assert str(tmp_path / "report.html") in capsys.readouterr().out
