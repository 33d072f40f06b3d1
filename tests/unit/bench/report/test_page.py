import re
from html.parser import HTMLParser
from pathlib import Path

from bench.report.bars import ratio_bars
from bench.report.figures import Figure
from bench.report.page import PAGE_FILE, render_page, write_page
from bench.report.plots import ttft_over_time
from bench.sample import Sample
from bench.statistics import Ratio

FIGURES = [
    Figure("TTFT p99 <s>", 0.4, "s", "≤ 0.5", True),
    Figure("goodput", 0.9, "share", "≥ 0.95", False),
    Figure("rate", 12.0, "1/s"),
]


def a_page() -> str:
    plots = {
        "Over the run": ttft_over_time([Sample(first_token=0.1, pop="fra")]),
        "Against others": ratio_bars({"ours": Ratio(1.0, 0.9, 1.1)}, 1.1),
    }
    return render_page("A & B", FIGURES, plots, {"seed": 7, "note": "<none>"})


class Tags(HTMLParser):
    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1][-1] += data


def read(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags


def test_the_page_refers_to_nothing_outside_itself() -> None:
    page = a_page()
    assert "http" not in page
    assert "//" not in page
    assert "@import" not in page
    links = [
        value for name, value in read(page).attributes if name in ("src", "href", "xlink:href")
    ]
    assert all(link is not None and link.startswith("#") for link in links)
    assert all(target.startswith("#") for target in re.findall(r"url\((.*?)\)", page))


def test_the_page_says_in_words_what_holds() -> None:
    page = a_page()
    rows = read(page).cells
    assert ["TTFT p99 <s>", "0.4", "s", "≤ 0.5", "yes"] in rows
    assert ["goodput", "0.9", "share", "≥ 0.95", "no"] in rows
    assert "1 of 2 targets hold." in page


def test_settings_and_machine_share_a_table() -> None:
    rows = read(a_page()).cells
    assert ["seed", "7"] in rows
    assert ["note", "<none>"] in rows
    assert any(row[0] == "cpu" for row in rows)


def test_the_page_has_both_plots_and_both_colour_schemes() -> None:
    page = a_page()
    assert page.count("<svg") == page.count("</svg>") == 2
    assert page.index("Over the run") < page.index("Against others")
    assert "prefers-color-scheme: dark" in page


def test_a_page_without_targets_says_so() -> None:
    assert "No figure here has a target." in render_page("A", FIGURES[2:], {}, {})


def test_the_page_is_written_where_asked(tmp_path: Path) -> None:
    path = write_page(tmp_path / "new", "A run", FIGURES, {}, {})
    assert path == tmp_path / "new" / PAGE_FILE
    assert "<title>A run</title>" in path.read_text(encoding="utf-8")
