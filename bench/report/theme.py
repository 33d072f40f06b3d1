"""How the report looks: one set of colours for page and plots, light and dark.

matplotlib is given the light colours; in its SVG each becomes a CSS variable, so that a plot
follows the page it stands in.
"""

import io
import re
from collections.abc import Callable
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

WIDTH_INCHES = 7.2
LEGEND_LETTERS = 90
"""Letters that fit on a legend's line, at six for each entry's sign."""


class Colour(NamedTuple):
    """A CSS variable's name, and its value on a light and on a dark page."""

    name: str
    light: str
    dark: str


PAGE = Colour("page", "#ffffff", "#15181d")
INK = Colour("ink", "#1c2026", "#e6e9ee")
MUTED = Colour("muted", "#5a6370", "#9aa4b2")
LINE = Colour("line", "#dde1e7", "#2e343d")
BAD = Colour("bad", "#b3261e", "#ff8a80")

# Okabe and Ito's palette without its yellow and sky blue, too faint on white; darker or
# lighter where needed for a contrast of 3 to 1 against each page.
SERIES = (
    Colour("series-1", "#0072b2", "#56b4e9"),
    Colour("series-2", "#d55e00", "#f0844c"),
    Colour("series-3", "#00855f", "#2fc79b"),
    Colour("series-4", "#b4558c", "#e59bc4"),
    Colour("series-5", "#a87000", "#f0b93f"),
    Colour("series-6", "#6b5ba8", "#b5a8ec"),
)
# Seven beside six colours: a pair of both comes back only after 42.
MARKERS = ("o", "s", "^", "D", "v", "P", "*")
DASHES = (0, (4, 3))
COLOURS = (PAGE, INK, MUTED, LINE, BAD, *SERIES)

_RC: dict[RcKeyType, object] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED.light,
    "axes.grid": True,
    "axes.labelcolor": MUTED.light,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "grid.color": LINE.light,
    "grid.linewidth": 0.6,
    "legend.borderaxespad": 0.2,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "legend.labelcolor": INK.light,
    "legend.markerscale": 1.5,
    "svg.fonttype": "none",
    "text.color": INK.light,
    "text.parse_math": False,
    "xtick.color": MUTED.light,
    "ytick.color": MUTED.light,
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


def draw(name: str, paint: Callable[[Axes], object], *, height: float = 3.0) -> str:
    """Paint on fresh axes, `height` inches tall; return inline SVG called `name`."""
    with matplotlib.rc_context({**_RC, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        paint(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata=_NO_METADATA)
    return _inline(name, buffer.getvalue())


def colour(place: int) -> str:
    """Return the colour of series `place`; after the last they start over."""
    return SERIES[place % len(SERIES)].light


def legend(axes: Axes) -> None:
    """Name what the axes show, above them; nothing where nothing is labelled."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = max(1, min(len(handles), LEGEND_LETTERS // (max(map(len, labels)) + 6)))
        axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns)


def css_variables(dark: bool) -> str:
    """Return the declarations of all colours for a page."""
    return " ".join(f"--{one.name}: {one.dark if dark else one.light};" for one in COLOURS)


def _inline(name: str, svg: str) -> str:
    body = svg[svg.index("<svg") :]
    body = re.sub(r'<svg[^>]*?(viewBox="[^"]*")[^>]*>', r"<svg \1>", body)
    body = body.replace("<svg", f'<svg role="img" aria-label="{name}"', 1)
    # Groups are numbered from 1 in each plot: on one page the ids would clash.
    body = re.sub(r'<g id="[^"]*_\d+">', "<g>", body)
    body = body.replace("xlink:href", "href")
    for colour in COLOURS:
        body = body.replace(colour.light, f"var(--{colour.name})")
    return body.strip()
