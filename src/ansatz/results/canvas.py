"""From a matplotlib figure to a small SVG that follows the light or dark theme of the page it stands in.

Every color drawn with is one of `LIGHT`; in the SVG it becomes `var(--name, #light)`, which the page
defines for both themes and which falls back to the light one in a file of its own. The same figure gives
the same bytes.
"""

import functools
import io
import re
from collections.abc import Callable
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

P = ParamSpec("P")

LIGHT = {
    "ink": "#1d2230",
    "muted": "#5d6578",
    "line": "#dfe3eb",
    "blue": "#2f6bdd",
    "orange": "#d9731a",
    "green": "#1f9268",
    "purple": "#8455cf",
    "red": "#cc3d52",
    "teal": "#15889c",
    "gold": "#a98307",
    "pink": "#c44d96",
    "gray": "#7b8496",
    "brown": "#8d6140",
}
DARK = {
    "ink": "#e8ebf2",
    "muted": "#a0a8ba",
    "line": "#2e3544",
    "blue": "#74a4ff",
    "orange": "#f5a052",
    "green": "#4fcf9f",
    "purple": "#b794f6",
    "red": "#ff7f90",
    "teal": "#4cc6d9",
    "gold": "#e2bd48",
    "pink": "#f08cc6",
    "gray": "#98a1b3",
    "brown": "#cf9f78",
}
SERIES = ("blue", "orange", "green", "purple", "red", "teal", "gold", "pink", "gray", "brown")
"""The order in which lines and classes take their colors."""
MANY_POINTS = 2000
"""A scatter of more points is drawn as one picture inside the SVG."""

STYLE: Any = {
    "figure.dpi": 72,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.edgecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.titlesize": 8.5,
    "text.color": LIGHT["ink"],
    "axes.labelcolor": LIGHT["muted"],
    "axes.edgecolor": LIGHT["gray"],
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlecolor": LIGHT["ink"],
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": LIGHT["line"],
    "grid.linewidth": 0.7,
    "xtick.color": LIGHT["gray"],
    "ytick.color": LIGHT["gray"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "svg.fonttype": "none",
    "svg.hashsalt": "ansatz",
    "svg.image_inline": True,
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "axes.formatter.useoffset": False,
}


def drawn(draw: Callable[P, Figure]) -> Callable[P, str]:
    """Turn a function that draws a `Figure` into one that returns its SVG text."""

    @functools.wraps(draw)
    def picture(*args: P.args, **kwargs: P.kwargs) -> str:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(STYLE)
            return svg(draw(*args, **kwargs))

    picture.__annotations__ = {**draw.__annotations__, "return": str}
    return picture


def between_themes(shade: str) -> str:
    """Return the mean of a color in both themes, for pictures, which cannot follow the page."""
    name = next(name for name, value in LIGHT.items() if value == shade)
    pair = [[int(theme[name][i : i + 2], 16) for i in (1, 3, 5)] for theme in (LIGHT, DARK)]
    return "#" + "".join(f"{(a + b) // 2:02x}" for a, b in zip(*pair, strict=True))


def color(at: int) -> str:
    """Return the color of the series (or class) number `at`, in turn."""
    return LIGHT[SERIES[at % len(SERIES)]]


def axes(width: float = 4.7, height: float = 3.4) -> tuple[Figure, Axes]:
    """Return a figure of that many inches and its axes; 4.7 inches fill a phone."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with rows × columns axes, in reading order."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def points(ax: Axes, x: Any, y: Any, *, shade: str, size: float = 9.0) -> None:
    """Scatter points; many of them are paler and drawn as one picture."""
    many = len(x) > MANY_POINTS
    alpha = 0.75 if len(x) <= 200 else 0.5 if not many else 0.3
    spot = size if len(x) <= 400 else size / 2
    shade = between_themes(shade) if many else shade
    ax.scatter(x, y, s=spot, color=shade, alpha=alpha, linewidths=0, rasterized=many)


def bare(ax: Axes) -> None:
    """Take away ticks, grid and frame."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def powers(value: float, _: Any = None) -> str:
    """Write a tick of a logarithmic axis: 0.01, 1, 100, but 10⁻⁵ and 10⁶."""
    text = f"{value:.0e}"
    mantissa, exponent = text.split("e")
    if -3 <= int(exponent) <= 3:
        return f"{value:g}"
    small = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{small}" if mantissa == "1" else f"{mantissa}·10{small}"


def logarithmic(ax: Axes, axis: str) -> None:
    """Make an axis logarithmic, its ticks written as powers of ten."""
    (ax.set_xscale if axis == "x" else ax.set_yscale)("log")
    which = ax.xaxis if axis == "x" else ax.yaxis
    which.set_major_formatter(FuncFormatter(powers))
    low, high = ax.get_xlim() if axis == "x" else ax.get_ylim()
    which.set_minor_formatter(FuncFormatter(powers if high < 10 * low else lambda v, _: ""))


def short(label: Any, most: int = 22) -> str:
    """Return a label on one line of at most `most` characters.

    >>> short("a very long name of a column in a table", 12)
    'a very long…'
    """
    text = " ".join(str(label).split())
    text = "".join(c for c in text if c.isprintable())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def svg(figure: Figure) -> str:
    """Return a figure as `<svg …>…</svg>` with theme colors, no date, short numbers and no fixed size."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing, dpi=180)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", text, count=1, flags=re.DOTALL)
    text = text.replace("<svg", '<svg style="stroke-linejoin: round; stroke-linecap: butt"', 1)
    text = re.sub(r" ?\n(?=[A-Za-z] |z|\")", " ", text)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    # Only inside of tags: labels keep their digits.
    text = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(?<=[\s\"(,\-])(\d+\.\d\d)\d+", r"\1", tag[0]), text)
    text = text.replace("'DejaVu Sans'", "var(--sans, 'DejaVu Sans'), sans-serif")
    names = {value: name for name, value in LIGHT.items()}
    named = "|".join(names)
    return re.sub(named, lambda found: f"var(--{names[found[0]]}, {found[0]})", text)
