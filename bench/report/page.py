"""One HTML page that says everything about a run and needs nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from bench.report.figures import Figure, format_value, machine
from bench.report.theme import css_variables

PAGE_FILE = "report.html"

_STYLE = f"""
:root {{ color-scheme: light dark; {css_variables(dark=False)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {css_variables(dark=True)} }} }}
body {{ background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 52rem; padding: 2.5rem 1.25rem 4rem; }}
h1 {{ font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }}
h2 {{ font-size: 1.15rem; margin: 2.75rem 0 .5rem; }}
p {{ color: var(--muted); margin: 0; }}
.scroll {{ overflow-x: auto; }}
.scroll td {{ white-space: nowrap; }}
table {{ border-collapse: collapse; font-size: .9375rem; width: 100%; }}
th, td {{ border-bottom: 1px solid var(--line); padding: .4rem 1rem .4rem 0; text-align: left;
  vertical-align: top; }}
thead th {{ color: var(--muted); font-weight: 500; }}
tbody th {{ font-weight: 400; }}
.number {{ font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }}
.no {{ color: var(--bad); font-weight: 700; }}
.settings th {{ color: var(--muted); width: 14rem; }}
.settings td {{ overflow-wrap: anywhere; }}
figure {{ margin: 2.25rem 0 0; }}
figcaption {{ font-weight: 600; margin-bottom: .5rem; }}
svg {{ display: block; height: auto; min-width: 32rem; width: 100%; }}
svg text {{ font-family: system-ui, sans-serif !important; }}
"""


def write_page(
    directory: Path,
    title: str,
    figures: Sequence[Figure],
    plots: Mapping[str, str],
    settings: Mapping[str, object],
) -> Path:
    """Write DIRECTORY/report.html and return its path; `plots` are SVG strings by caption."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / PAGE_FILE
    path.write_text(render_page(title, figures, plots, settings), encoding="utf-8")
    return path


def render_page(
    title: str,
    figures: Sequence[Figure],
    plots: Mapping[str, str],
    settings: Mapping[str, object],
) -> str:
    """Return the whole page as HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>{_verdict(figures)}</p>
<h2>Figures</h2>
{_figures_table(figures)}
<h2>Plots</h2>
{"".join(_plot(caption, svg) for caption, svg in plots.items())}
<h2>Settings and machine</h2>
{_settings_table({**settings, **machine()})}
</body>
</html>
"""


def _verdict(figures: Sequence[Figure]) -> str:
    judged = [figure for figure in figures if figure.holds is not None]
    if not judged:
        return "No figure here has a target."
    held = sum(figure.holds is True for figure in judged)
    return f"{held} of {len(judged)} targets hold."


def _figures_table(figures: Sequence[Figure]) -> str:
    rows = "".join(_figure_row(figure) for figure in figures)
    return (
        '<div class="scroll"><table><thead><tr><th>Figure</th><th class="number">Value</th>'
        "<th>Unit</th><th>Target</th><th>Holds</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _figure_row(figure: Figure) -> str:
    mark = ' class="no"' if figure.holds is False else ""
    return (
        f'<tr><th scope="row">{escape(figure.name)}</th>'
        f'<td class="number">{format_value(figure.value)}</td><td>{escape(figure.unit)}</td>'
        f"<td>{escape(figure.target or '')}</td><td{mark}>{figure.verdict}</td></tr>"
    )


def _plot(caption: str, svg: str) -> str:
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        f'<div class="scroll">{svg}</div></figure>'
    )


def _settings_table(settings: Mapping[str, object]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(str(value))}</td></tr>'
        for name, value in settings.items()
    )
    return f'<table class="settings"><tbody>{rows}</tbody></table>'
