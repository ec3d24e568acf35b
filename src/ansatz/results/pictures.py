"""Figures of tables, planes and images: summaries, decision boundaries, filters and what they respond to."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ansatz.core import BadInput
from ansatz.results.canvas import LIGHT, SERIES, axes, bare, color, drawn, grid, points, short
from ansatz.results.numbers import number
from ansatz.results.sketch import Sketch, sketch

MOST_COLUMNS = 24


@drawn
def data_summary(columns: Mapping[str, Any]) -> Figure:
    """Draw each column of a table: a histogram of numbers, the commonest categories, the share missing.

    `columns` maps names to arrays `[N]` or to their `Sketch`es; the first 24 are drawn.
    """
    shown = list(columns.items())[:MOST_COLUMNS]
    if not shown:
        raise BadInput("There is no column to draw; a summary needs one at least.")
    down = -(-len(shown) // 4)
    figure, panels = grid(down, 4, 7.0, 1.45 * down)
    for ax, (name, column) in zip(panels, shown, strict=False):
        _column(ax, name, column if isinstance(column, Sketch) else sketch(column))
    for ax in panels[len(shown) :]:
        ax.set_visible(False)
    return figure


def _column(ax: Axes, name: str, column: Sketch) -> None:
    if column.low is not None and column.high is not None:
        edges = np.linspace(column.low, column.high, len(column.counts) + 1)
        if column.low == column.high:
            edges = np.array([column.low - 0.5, column.low + 0.5])
        ax.stairs(column.counts, edges, fill=True, color=LIGHT["blue"], alpha=0.8)
        ax.locator_params(axis="x", nbins=3)
        ax.set_yticks([])
    else:
        rows = range(len(column.words))
        ax.barh(rows, column.counts, color=LIGHT["green"], alpha=0.45, height=0.8)
        for row, word in enumerate(column.words):
            ax.annotate(
                short(word, 14), (0.03, row), xycoords=("axes fraction", "data"), va="center", fontsize=6.5
            )
        ax.set_yticks([])
        ax.set_xticks([])
        ax.set_ylim(4.6, -0.6)
        if column.different > len(column.words):
            ax.set_xlabel(f"{column.different:,} categories", fontsize=6.5)
    ax.grid(False)
    ax.tick_params(labelsize=6.5)
    ax.spines["left"].set_visible(False)
    empty = f"{number(100 * column.gaps / column.rows, 2)} % missing" if column.gaps else ""
    ax.set_title(short(name, 20), fontsize=7.5, loc="left")
    if empty:
        place = {"ha": "right", "va": "top", "transform": ax.transAxes}
        ax.text(1.0, 0.98, empty, fontsize=6.5, color=LIGHT["red"], **place)


@drawn
def decision_boundary(
    first: Any,
    second: Any,
    probabilities: Any,
    x: Any,
    y: Any,
    *,
    labels: Sequence[Any],
    names: Sequence[str] = ("x₁", "x₂"),
) -> Figure:
    """Draw the likeliest class on a grid of the two inputs, fainter where it is less sure, and the data.

    `first: [w]` and `second: [h]` are the grid's coordinates, `probabilities: [h, w, C]` the model there;
    `x: [N, 2]` and `y: [N]` (class numbers) the data.
    """
    p = np.asarray(probabilities, float)
    first, second, x, y = (np.asarray(part) for part in (first, second, x, y))
    if p.ndim != 3 or p.shape[:2] != (len(second), len(first)):
        raise BadInput(
            f"The probabilities have shape {list(p.shape)}; this grid has [{len(second)}, {len(first)}, C]."
        )
    figure, ax = axes()
    best = p.argmax(2)
    shades = np.array([[int(LIGHT[name][i : i + 2], 16) / 255 for i in (1, 3, 5)] for name in SERIES])
    field = np.empty((*best.shape, 4))
    field[..., :3] = shades[best % len(SERIES)]
    chance = 1.0 / p.shape[2]
    field[..., 3] = 0.08 + 0.4 * np.clip((p.max(2) - chance) / (1 - chance + 1e-9), 0, 1)
    extent = (float(first[0]), float(first[-1]), float(second[0]), float(second[-1]))
    ax.imshow(field, origin="lower", extent=extent, aspect="auto", interpolation="none")
    for at in np.unique(best):
        others = np.delete(p, at, axis=2).max(2, initial=0.0)
        if best.min() < best.max():
            ax.contour(first, second, p[..., at] - others, levels=[0.0], colors=LIGHT["ink"], linewidths=0.8)
    for number_of, label in enumerate(labels):
        own = y == number_of
        if own.any():
            points(ax, x[own, 0], x[own, 1], shade=color(number_of), size=14.0)
            ax.scatter([], [], s=18, color=color(number_of), linewidths=0, label=short(label))
    ax.set_xlim(extent[0], extent[1])
    ax.set_ylim(extent[2], extent[3])
    ax.grid(False)
    ax.set_xlabel(short(names[0]))
    ax.set_ylabel(short(names[1]))
    figure.legend(loc="outside upper center", ncols=min(len(labels), 5))
    return figure


@drawn
def example_images(images: Any, captions: Sequence[str], *, wrong: Sequence[bool] | None = None) -> Figure:
    """Draw up to 24 images `[N, H, W]` or `[N, H, W, 1 or 3]`, each with a caption, red where `wrong`."""
    images = _images(images)[:24]
    across = min(6, max(len(images), 1))
    down = max(-(-len(images) // across), 1)
    figure, panels = grid(down, across, 4.7, (4.5 / across + 0.16) * down)
    for ax in panels:
        bare(ax)
    for at, (ax, image) in enumerate(zip(panels, images, strict=False)):
        _show(ax, image)
        bad = wrong is not None and bool(wrong[at])
        ax.set_title(short(captions[at], 14), fontsize=7, color=LIGHT["red"] if bad else LIGHT["ink"], pad=2)
    return figure


@drawn
def filters(kernels: Any) -> Figure:
    """Draw up to 32 filters `[H, W, inputs, outputs]`, of three inputs in color, of others their first one.

    Gray is zero in pictures of one input: darker is negative, lighter is positive.
    """
    kernels = np.asarray(kernels, float)
    if kernels.ndim != 4:
        raise BadInput(f"The filters have shape {list(kernels.shape)}; they are [H, W, inputs, outputs].")
    kernels = np.moveaxis(kernels, 3, 0)[:32]
    across = min(8, len(kernels))
    down = -(-len(kernels) // across)
    figure, panels = grid(down, across, 4.7, 4.6 / across * down)
    for ax in panels:
        bare(ax)
    for ax, kernel in zip(panels, kernels, strict=False):
        kernel = kernel if kernel.shape[2] == 3 else kernel[..., :1]
        reach = max(float(np.abs(kernel).max()), 1e-12)
        _show(ax, 0.5 + 0.5 * kernel / reach, low=0.0, high=1.0)
    return figure


@drawn
def activation_maps(image: Any, maps: Any, *, most: int = 17) -> Figure:
    """Draw an image `[H, W]` or `[H, W, C]` and the strongest of its activations `[h, w, filters]`."""
    maps = np.asarray(maps, float)
    if maps.ndim != 3:
        raise BadInput(f"The activation maps have shape {list(maps.shape)}; they are [h, w, filters].")
    order = np.argsort(-np.abs(maps).mean((0, 1)), kind="stable")[:most]
    across = min(6, len(order) + 1)
    down = -(-(len(order) + 1) // across)
    figure, panels = grid(down, across, 4.7, (4.5 / across + 0.16) * down)
    for ax in panels:
        bare(ax)
    _show(panels[0], _images(np.asarray(image)[None])[0])
    panels[0].set_title("image", fontsize=7, pad=2)
    for ax, at in zip(panels[1:], order, strict=False):
        ax.imshow(maps[..., at], cmap="magma", interpolation="none")
        ax.set_title(f"filter {at}", fontsize=7, pad=2)
    return figure


def _images(images: Any) -> np.ndarray:
    images = np.asarray(images)
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        raise BadInput(
            f"The images have shape {list(images.shape)}; they are [N, H, W] or [N, H, W, 1 or 3]."
        )
    return images.astype(float)


def _show(ax: Axes, image: np.ndarray, low: float | None = None, high: float | None = None) -> None:
    low = float(image.min()) if low is None else low
    high = float(image.max()) if high is None else high
    shown = np.clip((image - low) / max(high - low, 1e-12), 0, 1)
    if shown.shape[2] == 1:
        ax.imshow(shown[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="none")
    else:
        ax.imshow(shown, interpolation="none")
