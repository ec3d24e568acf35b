"""Figures of functions: curves, maps over a plane, what is left over on a logarithmic scale, and levels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from ansatz.core import BadInput
from ansatz.results.canvas import LIGHT, axes, between_themes, color, drawn, grid, logarithmic, powers, short
from ansatz.results.numbers import number

DECADES = 6
"""The most powers of ten that a logarithmic map shows below its largest value."""


@drawn
def curves(
    lines: Mapping[str, tuple[Any, Any]],
    *,
    x_label: str,
    y_label: str = "",
    marks: Mapping[str, tuple[Any, Any]] | None = None,
    log: bool = False,
) -> Figure:
    """Draw `lines[name] = (x, y)`, and measured `marks` in the color of the line of their name.

    A logarithmic axis shows at most sixteen powers of ten.
    """
    figure, ax = axes()
    names = list(lines)
    for name, (x, y) in (marks or {}).items():
        shade = color(names.index(name)) if name in names else LIGHT["gray"]
        ax.scatter(x, y, s=9, color=shade, alpha=0.55, linewidths=0)
    for at, (name, (x, y)) in enumerate(lines.items()):
        ax.plot(x, y, color=color(at), label=short(name))
    if log:
        logarithmic(ax, "y")
        shown = [float(np.nanmax(y)) for _, y in lines.values() if np.any(np.asarray(y) > 0)]
        low = min((float(np.min(y[y > 0])) for _, y in lines.values() if np.any(y > 0)), default=1e-16)
        ax.set_ylim(max(low, max(shown, default=1.0) * 1e-16) / 2, None)
    ax.set_xlabel(short(x_label, 40))
    ax.set_ylabel(short(y_label, 40))
    if len(lines) > 1:
        figure.legend(loc="outside upper center", ncols=min(len(lines), 5), columnspacing=1.2, fontsize=7.5)
    return figure


@drawn
def phase_portrait(first: Any, second: Any, *, labels: tuple[str, str]) -> Figure:
    """Draw one function of time against another; a dot marks the start."""
    figure, ax = axes()
    ax.plot(first, second, color=LIGHT["blue"], linewidth=1.2)
    ax.plot(first[:1], second[:1], marker="o", color=LIGHT["orange"])
    ax.set_xlabel(short(labels[0]))
    ax.set_ylabel(short(labels[1]))
    return figure


@drawn
def field_map(
    x: Any,
    y: Any,
    values: Any,
    *,
    labels: tuple[str, str],
    title: str = "",
    points: tuple[Any, Any] | None = None,
    isolines: bool = False,
) -> Figure:
    """Draw `values: [n, m]` over the nodes `x: [n]` and `y: [m]`; NaN is outside of the domain.

    Values of both signs are blue and orange about 0. Coordinates of space (`isolines`) keep their proportion.
    `points` are places of measurements.
    """
    values = _plane(x, y, values)
    figure, ax = axes()
    norm, shades = color_scale(values)
    _show(figure, ax, x, y, values, norm, shades, title)
    if isolines and np.nanmin(values) < np.nanmax(values):
        ax.contour(x, y, values.T, levels=9, colors=LIGHT["ink"], linewidths=0.5, alpha=0.55)
        ax.set_aspect("equal" if _alike(x, y) else "auto")
    if points is not None:
        ax.scatter(*points, s=5, color=LIGHT["ink"], linewidths=0, alpha=0.6, rasterized=len(points[0]) > 500)
    _named(ax, labels)
    return figure


@drawn
def size_map(
    x: Any, y: Any, values: Any, *, labels: tuple[str, str], title: str = "", space: bool = False
) -> Figure:
    """Draw the size |values| `[n, m]` over a plane on a logarithmic scale, six powers of ten at most."""
    sizes = np.abs(_plane(x, y, values))
    figure, ax = axes()
    top = float(np.nanmax(sizes, initial=0.0)) or 1e-16
    positive = sizes[sizes > 0]
    low = max(top * 10.0**-DECADES, float(positive.min()) if positive.size else 0.0)
    low = min(low, top / 10)
    norm = LogNorm(low, top)
    _show(figure, ax, x, y, np.maximum(sizes, low), norm, _viridis(), title)
    if space and _alike(x, y):
        ax.set_aspect("equal")
    _named(ax, labels)
    return figure


@drawn
def map_row(
    x: Any, y: Any, frames: Sequence[Any], *, labels: tuple[str, str], titles: Sequence[str]
) -> Figure:
    """Draw several maps `[n, m]` over one plane side by side, with one scale."""
    stack = np.stack([_plane(x, y, one) for one in frames])
    across = min(len(stack), 3)
    down = -(-len(stack) // across)
    figure, panels = grid(down, across, 7.0, 2.4 * down)
    norm, shades = color_scale(stack)
    for ax, one, title in zip(panels, stack, titles, strict=False):
        draw_map(ax, x, y, one, norm, shades)
        ax.set_title(short(title, 30))
        ax.set_aspect("equal" if _alike(x, y) else "auto")
        _named(ax, labels)
    for ax in panels[len(stack) :]:
        ax.set_visible(False)
    return figure


@drawn
def level_diagram(
    levels: Any, x: Any, states: Any, *, x_label: str, potential: Any = None, y_label: str = "energy"
) -> Figure:
    """Draw `levels: [k]` as lines, the states `[k, n]` upon them, and the potential `[n]` beneath."""
    levels, x, states = np.asarray(levels, float), np.asarray(x, float), np.asarray(states, float)
    figure, ax = axes(4.7, 4.2)
    reach = float(np.ptp(levels)) or max(abs(float(levels[0])), 1.0)
    height = 0.55 * (np.min(np.diff(levels)) if len(levels) > 1 else reach)
    low, high = float(levels.min()) - 0.18 * reach, float(levels.max()) + 0.18 * reach + height
    if potential is not None:
        ax.plot(x, np.where(potential <= high, potential, np.nan), color=LIGHT["gray"], linewidth=1.1)
        low = min(low, max(float(np.nanmin(potential)), low - 0.6 * reach))
    seen = np.zeros(len(x), bool)
    for at, (level, state) in enumerate(zip(levels, states, strict=True)):
        size = np.max(np.abs(state)) or 1.0
        seen |= np.abs(state) > 1e-3 * size
        ax.axhline(level, color=LIGHT["line"], linewidth=0.8)
        ax.fill_between(x, level, level + height * state / size, color=color(at), alpha=0.18, linewidth=0)
        ax.plot(x, level + height * state / size, color=color(at), linewidth=1.2)
        ax.annotate(
            number(level, 6), (1.0, level), xycoords=("axes fraction", "data"), ha="right", va="bottom",
            fontsize=7.5,
        )  # fmt: skip
    ends = x[seen] if seen.any() else x
    margin = 0.12 * float(np.ptp(ends))
    ax.set_xlim(max(float(x[0]), float(ends[0]) - margin), min(float(x[-1]), float(ends[-1]) + 2.2 * margin))
    ax.set_ylim(low, high)
    ax.grid(False)
    ax.set_xlabel(short(x_label))
    ax.set_ylabel(y_label)
    return figure


@drawn
def deviations(
    names: Sequence[str], errors: Any, *, x_label: str = "true − found, in standard deviations"
) -> Figure:
    """Draw true minus found in units of σ for each constant, beside the bands of one and two σ."""
    errors = np.asarray(errors, float)
    figure, ax = axes(4.7, 0.9 + 0.4 * max(len(names), 2))
    for width, alpha in ((2, 0.14), (1, 0.22)):
        ax.axvspan(-width, width, color=LIGHT["blue"], alpha=alpha, linewidth=0)
    shown = np.clip(errors, -6, 6)
    shades = [LIGHT["blue"] if abs(one) <= 2 else LIGHT["red"] for one in errors]
    ax.scatter(shown, range(len(names)), s=34, color=shades, zorder=3)
    ax.axvline(0.0, color=LIGHT["gray"], linewidth=0.9)
    ax.set_yticks(range(len(names)), [short(name) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    reach = max(3.0, 1.15 * float(np.max(np.abs(shown), initial=0.0)))
    ax.set_xlim(-reach, reach)
    ax.grid(False, axis="y")
    ax.set_xlabel(x_label)
    return figure


def diverging() -> Colormap:
    """Return blue over nothing to orange: what is 0 takes the color of the page."""
    low, high = (
        [int(between_themes(LIGHT[name])[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        for name in ("blue", "orange")
    )
    places = [(0.0, (*low, 1.0)), (0.5, (*low, 0.0)), (0.5, (*high, 0.0)), (1.0, (*high, 1.0))]
    return LinearSegmentedColormap.from_list("signed", places)


def _viridis() -> Colormap:
    from matplotlib import colormaps

    return colormaps["viridis"]


def color_scale(values: np.ndarray) -> tuple[Normalize, Colormap]:
    """Return the range and the colors of a field: about 0 where it has both signs."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if low < -0.02 * high and high > -0.02 * low:
        reach = max(-low, high)
        return Normalize(-reach, reach), diverging()
    low, high = (0.0, high) if 0 <= low < 0.3 * high else (low, high)
    return Normalize(low, high if high > low else low + 1.0), _viridis()


def _plane(x: Any, y: Any, values: Any) -> np.ndarray:
    values = np.asarray(values, float)
    if values.shape != (len(x), len(y)):
        raise BadInput(f"The values have shape {list(values.shape)}; this grid has [{len(x)}, {len(y)}].")
    return values


def draw_map(ax: Axes, x: Any, y: Any, values: np.ndarray, norm: Normalize, shades: Colormap) -> Any:
    """Draw the values as pixels centered on the nodes, cut at the outermost nodes."""
    steps = [(one[-1] - one[0]) / (len(one) - 1) / 2 for one in (x, y)]
    extent = (x[0] - steps[0], x[-1] + steps[0], y[0] - steps[1], y[-1] + steps[1])
    image = ax.imshow(
        values.T, origin="lower", extent=extent, aspect="auto", interpolation="none", norm=norm, cmap=shades
    )
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    ax.grid(False)
    return image


def _show(
    figure: Figure,
    ax: Axes,
    x: Any,
    y: Any,
    values: np.ndarray,
    norm: Normalize,
    shades: Colormap,
    title: str,
) -> None:
    """Draw a map with its scale of colors."""
    image = draw_map(ax, x, y, values, norm, shades)
    bar = figure.colorbar(image, ax=ax, fraction=0.05, pad=0.02)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.solids.set_rasterized(True)  # type: ignore[union-attr]
    if isinstance(norm, LogNorm):
        bar.ax.yaxis.set_major_locator(LogLocator(numticks=8))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(powers))
        bar.ax.yaxis.set_minor_formatter(FuncFormatter(lambda value, place: ""))
    if title:
        ax.set_title(short(title, 50))


def _named(ax: Axes, labels: tuple[str, str]) -> None:
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel(short(labels[0]))
    ax.set_ylabel(short(labels[1]))


def _alike(x: Any, y: Any) -> bool:
    """Tell whether two axes are of like lengths, so that one scale for both is readable."""
    ratio = (x[-1] - x[0]) / (y[-1] - y[0])
    return bool(0.3 < ratio < 3.4)
