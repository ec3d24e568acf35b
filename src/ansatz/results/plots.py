"""The figures of a report, each from plain arrays to the text of an SVG that follows the page's theme."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ansatz.results.canvas import LIGHT, axes, color, drawn, logarithmic, points, short
from ansatz.results.numbers import Interval, number


@drawn
def loss_curves(
    curves: Mapping[str, tuple[Any, Any]],
    *,
    stop: Any = None,
    x_label: str = "step",
    y_label: str = "loss",
    stop_label: str = "best model",
) -> Figure:
    """Draw losses against steps, `curves[name] = (steps, values)`, and where the kept model stands.

    `stop` is a step or several, one a seed. The axis is logarithmic where all values are positive and span
    more than a factor 5. A curve of several seeds, `values: [seeds, n]`, is drawn as its median with the
    range.
    """
    figure, ax = axes()
    shown = []
    for at, (name, (steps, values)) in enumerate(curves.items()):
        steps, values = np.asarray(steps, float), np.atleast_2d(np.asarray(values, float))
        middle = _median(values)
        shown.append(middle[np.isfinite(middle)])
        ax.plot(steps, middle, color=color(at), label=short(name), marker="o" if len(steps) == 1 else None)
        if len(values) > 1:
            low, high = np.fmin.reduce(values), np.fmax.reduce(values)
            ax.fill_between(steps, low, high, color=color(at), alpha=0.18, linewidth=0)
    flat = np.concatenate(shown) if shown else np.zeros(0)
    if flat.size and flat.min() > 0 and flat.max() > 5 * flat.min():
        logarithmic(ax, "y")
    for at, one in enumerate(np.unique(np.atleast_1d(stop)) if stop is not None else ()):
        label = None if at else short(stop_label)
        ax.axvline(one, color=LIGHT["gray"], linestyle=(0, (3, 2)), linewidth=0.9, label=label)
    ax.set_xlabel(short(x_label, 50))
    ax.set_ylabel(short(y_label, 40))
    if curves or stop is not None:
        ax.legend(loc="upper right")
    return figure


@drawn
def parity(
    y: Any,
    prediction: Any,
    *,
    lower: Any = None,
    upper: Any = None,
    name: str = "y",
    level: float = 0.9,
) -> Figure:
    """Draw predicted against true values with the diagonal, and the intervals of at most 150 examples."""
    y, prediction = np.asarray(y, float), np.asarray(prediction, float)
    figure, ax = axes()
    ends = _range(np.concatenate([y, prediction]))
    if lower is not None and upper is not None:
        low, high = np.asarray(lower, float), np.asarray(upper, float)
        pick = np.linspace(0, len(y) - 1, min(len(y), 150)).astype(int)
        pick = pick[np.isfinite(low[pick]) & np.isfinite(high[pick])]
        label = f"{100 * level:g} % interval"
        ax.vlines(
            y[pick], low[pick], high[pick], color=LIGHT["orange"], alpha=0.45, linewidth=0.9, label=label
        )
    points(ax, y, prediction, shade=LIGHT["blue"])
    ax.plot(ends, ends, color=LIGHT["gray"], linewidth=1.0, linestyle=(0, (4, 2)), label="exact")
    ax.set_xlim(*ends)
    ax.set_ylim(*ends)
    ax.set_xlabel(f"true {short(name)}")
    ax.set_ylabel(f"predicted {short(name)}")
    ax.legend(loc="upper left")
    return figure


@drawn
def residuals(prediction: Any, residual: Any, *, name: str = "y") -> Figure:
    """Draw residuals, true − predicted, against predictions, with their mean in ten bins of equal count."""
    prediction, residual = np.asarray(prediction, float), np.asarray(residual, float)
    figure, ax = axes()
    points(ax, prediction, residual, shade=LIGHT["blue"])
    ax.axhline(0.0, color=LIGHT["gray"], linewidth=1.0, linestyle=(0, (4, 2)))
    if len(residual) >= 40:
        parts = np.array_split(np.argsort(prediction), 10)
        middle = [prediction[part].mean() for part in parts]
        ax.plot(
            middle,
            [residual[part].mean() for part in parts],
            color=LIGHT["orange"],
            marker="o",
            markersize=3,
            label="mean of a tenth",
        )
        ax.legend(loc="upper right")
    ax.set_xlabel(f"predicted {short(name)}")
    ax.set_ylabel("true − predicted")
    return figure


@drawn
def residual_histogram(residual: Any, *, name: str = "y") -> Figure:
    """Draw the distribution of the residuals beside the normal law of the same mean and spread."""
    residual = np.asarray(residual, float)
    residual = residual[np.isfinite(residual)]
    figure, ax = axes()
    if residual.size:
        center, spread = residual.mean(), residual.std()
        near = (
            np.quantile(residual, [0.002, 0.998]) if residual.size > 500 else (residual.min(), residual.max())
        )
        bins = int(np.clip(np.sqrt(residual.size), 8, 50))
        _, edges, _ = ax.hist(
            residual, bins=bins, range=_range(np.asarray(near)), color=LIGHT["blue"], alpha=0.75
        )
        if spread > 0:
            x = np.linspace(edges[0], edges[-1], 120)
            law = np.exp(-0.5 * np.square((x - center) / spread)) / (spread * np.sqrt(2 * np.pi))
            height = residual.size * (edges[1] - edges[0])
            ax.plot(x, height * law, color=LIGHT["orange"], label="normal, same mean and spread")
            ax.legend(loc="upper left")
            ax.set_ylim(top=1.22 * ax.get_ylim()[1])
    ax.set_xlabel(f"true − predicted {short(name)}")
    ax.set_ylabel("examples")
    return figure


@drawn
def confusion_matrix(matrix: Any, labels: Sequence[Any]) -> Figure:
    """Draw counts `[C, C]`, true classes in rows; a cell's depth is its share of the row."""
    counts = np.asarray(matrix, float)
    size = len(counts)
    figure, ax = axes()
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    cells = np.zeros((size, size, 4))
    cells[..., :3] = _rgb(LIGHT["red"])
    cells[np.arange(size), np.arange(size), :3] = _rgb(LIGHT["blue"])
    cells[..., 3] = 0.75 * np.sqrt(share)
    ax.imshow(cells, interpolation="none", aspect="auto")
    ax.grid(False)
    if size <= 15:
        for (i, j), count in np.ndenumerate(counts):
            if count or size <= 4:
                ax.text(j, i, f"{count:,.0f}", ha="center", va="center", fontsize=8.5 if size <= 10 else 6.5)
    every = max(1, size // 25)
    names = [short(label, 12) for label in labels]
    turned = size > 6 and max(map(len, names), default=0) > 3
    ax.set_xticks(range(0, size, every), names[::every], rotation=60 if turned else 0)
    ax.set_yticks(range(0, size, every), names[::every])
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    return figure


@drawn
def reliability_diagram(
    curves: Mapping[str, tuple[Any, Any, Any]],
) -> Figure:
    """Draw accuracy against confidence, `curves[name] = (confidence, accuracy, count)`, with ±2 errors."""
    figure, ax = axes()
    ax.plot([0, 1], [0, 1], color=LIGHT["gray"], linewidth=1.0, linestyle=(0, (4, 2)), label="calibrated")
    lowest = 1.0
    for at, (name, (confidence, accuracy, count)) in enumerate(curves.items()):
        x, y, n = (np.asarray(part, float) for part in (confidence, accuracy, count))
        lowest = min(lowest, x.min(initial=1.0))
        error = 2 * np.sqrt(np.maximum(y * (1 - y), 0.25 / np.maximum(n, 1)) / np.maximum(n, 1))
        ax.vlines(x, np.maximum(y - error, 0), np.minimum(y + error, 1), color=color(at), alpha=0.4)
        ax.plot(x, y, color=color(at), linewidth=1.2)
        ax.scatter(x, y, s=8 + 60 * n / max(n.sum(), 1), color=color(at), linewidths=0, label=short(name))
    ax.set_xlim(max(0.0, lowest - 0.05), 1.01)
    ax.set_ylim(0.0, 1.04)
    ax.set_xlabel("confidence")
    ax.set_ylabel("share that is right")
    ax.legend(loc="upper left")
    return figure


@drawn
def fitted_curve(
    x: Any,
    y: Any,
    grid: Any,
    mean: Any,
    *,
    lower: Any = None,
    upper: Any = None,
    x_name: str = "x",
    y_name: str = "y",
    level: float = 0.9,
) -> Figure:
    """Draw data, the fitted curve on a grid of the one input, and its interval."""
    figure, ax = axes()
    points(ax, np.asarray(x, float), np.asarray(y, float), shade=LIGHT["gray"])
    grid = np.asarray(grid, float)
    if lower is not None and upper is not None:
        label = f"{100 * level:g} % interval"
        ax.fill_between(grid, lower, upper, color=LIGHT["blue"], alpha=0.2, linewidth=0, label=label)
    ax.plot(grid, np.asarray(mean, float), color=LIGHT["blue"], label="fit")
    ax.set_xlabel(short(x_name))
    ax.set_ylabel(short(y_name))
    ax.legend(loc="best")
    return figure


@drawn
def attribution_bars(
    names: Sequence[str],
    importance: Any,
    *,
    spread: Any = None,
    chance: Any = None,
    any_column: float | None = None,
    x_label: str = "loss of quality when shuffled",
    most: int = 20,
) -> Figure:
    """Draw the importances of columns, the largest first, beside what chance shows.

    `chance = (lower, upper)` are the columns' null bands, each `[d]`; `any_column` the line that chance
    passes in no column at all. Columns above it are blue, the others gray.
    """
    importance = np.asarray(importance, float)
    order = np.argsort(-importance, kind="stable")[:most]
    figure, ax = axes(4.7, 1.0 + 0.26 * max(len(order), 2))
    rows = np.arange(len(order))
    threshold = 0.0 if any_column is None else any_column
    shades = [LIGHT["blue"] if importance[i] > threshold else LIGHT["gray"] for i in order]
    error = None if spread is None else 2 * np.asarray(spread, float)[order]
    ax.barh(rows, importance[order], color=shades, height=0.62, alpha=0.85, xerr=error, ecolor=LIGHT["muted"])
    if chance is not None:
        low, high = (np.asarray(end, float)[order] for end in chance)
        ax.barh(rows, high - low, left=low, height=0.86, color=LIGHT["orange"], alpha=0.35, label="chance")
    if any_column is not None:
        ax.axvline(
            any_column,
            color=LIGHT["orange"],
            linestyle=(0, (3, 2)),
            linewidth=1.1,
            label="chance, any column",
        )
    if chance is not None or any_column is not None:
        figure.legend(loc="outside upper right", ncols=2)
    ax.set_yticks(rows, [short(names[i], 20) for i in order])
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.set_xlabel(short(x_label, 50))
    return figure


@drawn
def comparison(
    entries: Sequence[tuple[str, Interval]], *, own: int = 0, x_label: str = "RMSE", share: bool = False
) -> Figure:
    """Draw a metric of several methods with its intervals; the entry `own` is one's own.

    Errors far apart are drawn on a logarithmic scale; a `share`, as an accuracy is, never.
    """
    figure, ax = axes(4.7, 0.8 + 0.36 * max(len(entries), 2))
    for row, (_, interval) in enumerate(entries):
        shade = LIGHT["blue"] if row == own else LIGHT["gray"]
        ax.plot([interval.lower, interval.upper], [row, row], color=shade, linewidth=5, alpha=0.35)
        ax.plot([interval.value], [row], marker="o", markersize=6, color=shade)
        ax.annotate(
            number(interval.value, 3),
            (interval.value, row),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
        )
    ends = np.array([[interval.lower, interval.upper] for _, interval in entries], float)
    if not share and ends.size and ends.min() > 0 and ends.max() > 5 * ends.min():
        logarithmic(ax, "x")
    ax.set_yticks(range(len(entries)), [short(name) for name, _ in entries])
    ax.set_ylim(len(entries) - 0.5, -0.7)
    ax.grid(False, axis="y")
    ax.margins(x=0.1)
    ax.set_xlabel(short(x_label, 50))
    return figure


def _median(values: np.ndarray) -> np.ndarray:
    """Return the median over seeds `[n]` of those that are finite; nan where none is."""
    held = np.isfinite(values).any(0)
    middle = np.full(values.shape[1], np.nan)
    middle[held] = np.nanmedian(np.where(np.isfinite(values), values, np.nan)[:, held], axis=0)
    return middle


def _range(values: np.ndarray) -> tuple[float, float]:
    """Return the range of the finite values with a margin, of positive length always."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    margin = 0.04 * (high - low) or 0.5 * max(abs(low), 1.0)
    return low - margin, high + margin


def _rgb(value: str) -> list[float]:
    return [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
