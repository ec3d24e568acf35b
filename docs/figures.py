"""Figures for the chapters: drawn by matplotlib, standing in the page itself, readable in light and dark."""

import io
import re

from matplotlib.figure import Figure

INK = "#010203"
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "font.size": 10,
    "legend.framealpha": 0,
    "legend.labelcolor": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "ansatz",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def show(figure: Figure, caption: str = "") -> str:
    """Return a figure as inline SVG in which what was drawn in `INK` takes the page's text color.

    In a chapter: a block with `exec="on" html="on"` that ends in `print(show(figure, "what it says"))`;
    draw inside `with matplotlib.rc_context(STYLE):`.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img">', svg, count=1)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    legend = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure class="plot">{svg}{legend}</figure>'
