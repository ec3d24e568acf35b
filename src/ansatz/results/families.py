"""Figures of many functions of one kind: curves for many values, and maps side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from ansatz.results.canvas import LIGHT, SERIES, axes, between_themes, color, drawn, grid, logarithmic, short
from ansatz.results.fields import color_scale, draw_map


class Curve(NamedTuple):
    """`y: [n]` over `x: [n]` for one value of what varies, and what it is called."""

    label: str
    value: float
    x: Any
    y: Any


class Panel(NamedTuple):
    """`values: [n, m]` over the nodes `x: [n]`, `y: [m]`, and what they are called."""

    title: str
    x: Any
    y: Any
    values: Any


@drawn
def family(curves: Sequence[Curve], *, x_label: str, y_label: str, value_label: str) -> Figure:
    """Draw a curve for each value: named, and where there are more than ten, colored along a scale."""
    figure, ax = axes()
    few = len(curves) <= len(SERIES)
    values = [one.value for one in curves]
    low, high = min(values), max(values)
    norm = Normalize(low, high if high > low else low + 1.0)
    for at, one in enumerate(curves):
        shade = color(at) if few else shades()(norm(one.value))
        ax.plot(one.x, one.y, color=shade, label=short(one.label), linewidth=1.3)
    ax.set_xlabel(short(x_label, 40))
    ax.set_ylabel(short(y_label, 40))
    if few and len(curves) > 1:
        figure.legend(loc="outside upper center", ncols=min(len(curves), 5), columnspacing=1.2, fontsize=7.5)
    elif not few:
        from matplotlib.cm import ScalarMappable

        bar = figure.colorbar(ScalarMappable(norm, shades()), ax=ax, fraction=0.05, pad=0.02)
        _finish(bar, value_label)
    return figure


@drawn
def panels(frames: Sequence[Panel], *, labels: tuple[str, str]) -> Figure:
    """Draw maps side by side with one scale of colors, each over nodes of its own."""
    across = min(len(frames), 3)
    down = -(-len(frames) // across)
    figure, places = grid(down, across, 7.0, 2.4 * down)
    norm, colors = color_scale(np.concatenate([np.ravel(np.asarray(one.values, float)) for one in frames]))
    image = None
    for ax, one in zip(places, frames, strict=False):
        image = draw_map(ax, one.x, one.y, np.asarray(one.values, float), norm, colors)
        ax.set_title(short(one.title, 30))
        ax.locator_params(axis="x", nbins=5)
        ax.set_xlabel(short(labels[0]))
        ax.set_ylabel(short(labels[1]))
    for ax in places[len(frames) :]:
        ax.set_visible(False)
    if image is not None:
        _finish(figure.colorbar(image, ax=places[: len(frames)], fraction=0.03, pad=0.02), "")
    return figure


@drawn
def over(values: Any, lines: dict[str, Any], *, x_label: str, y_label: str, log: bool = False) -> Figure:
    """Draw `lines[name]: [k]` over the values `[k]` of what varies, with a dot for each."""
    figure, ax = axes()
    order = np.argsort(values)
    for at, (name, line) in enumerate(lines.items()):
        shown = np.asarray(line, float)[order]
        ax.plot(
            np.asarray(values)[order], np.where(np.isfinite(shown), shown, np.nan), color=color(at),
            label=short(name), marker="o", markersize=3.2,
        )  # fmt: skip
    if log:
        logarithmic(ax, "y")
    ax.set_xlabel(short(x_label, 40))
    ax.set_ylabel(short(y_label, 40))
    if len(lines) > 1:
        figure.legend(loc="outside upper center", ncols=min(len(lines), 5), columnspacing=1.2, fontsize=7.5)
    return figure


def shades() -> Colormap:
    """Return blue to orange, by colors that are seen on light and on dark pages."""
    return LinearSegmentedColormap.from_list(
        "family", [between_themes(LIGHT[name]) for name in ("blue", "purple", "orange")]
    )


def _finish(bar: Colorbar, label: str) -> None:
    bar.outline.set_visible(False)  # type: ignore[operator]
    if bar.solids is not None:
        bar.solids.set_rasterized(True)
    if label:
        bar.set_label(short(label, 40))
