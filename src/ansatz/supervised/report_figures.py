"""The figures of a fitted table, each a `Picture` of a report."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from ansatz.data.encoders import Numeric
from ansatz.results import pictures, plots
from ansatz.results.report import Picture
from ansatz.supervised.calibration import reliability
from ansatz.supervised.metrics import METRICS
from ansatz.supervised.result import TableFit
from ansatz.training.run import Run

STEPS = 240
"""The most points of a curve."""
MOST_DRAWN = 4000
"""The most test rows in a scatter."""
PLANE = 72
"""The points of the grid of a decision boundary along each input."""


def predictions(fitted: TableFit) -> list[Picture]:
    """Return the pictures of the predictions that suit the task and the inputs."""
    inputs = fitted.predictor.encoder.encoders
    plain = all(isinstance(one, Numeric) for one in inputs) and bool(fitted.evaluation.cloud)
    if fitted.predictor.task == "regression":
        own = [curve(fitted)] if plain and len(inputs) == 1 else []
        return [*own, *_errors(fitted)]
    own = [boundary(fitted)] if plain and len(inputs) == 2 else []
    return [*own, *_classes(fitted)]


def curve(fitted: TableFit) -> Picture:
    """Return the fitted curve of one input with its intervals, a tenth beyond the data on either side."""
    found, (name, *_) = fitted.evaluation, fitted.predictor.encoder.columns
    target = fitted.predictor.target.name
    grid = _span(found.summary[name], STEPS)
    frame = pl.DataFrame({name: grid})
    lower, upper = fitted.predictor.interval(frame)
    shown = bool(np.isfinite(lower).all() and np.isfinite(upper).all())
    drawn = plots.fitted_curve(
        found.cloud[name], found.cloud[target], grid, fitted.predictor.predict(frame),
        lower=lower if shown else None, upper=upper if shown else None,
        x_name=name, y_name=target, level=found.level,
    )  # fmt: skip
    return Picture(drawn, "The fit, its prediction interval and the data.", "Fitted curve")


def boundary(fitted: TableFit) -> Picture:
    """Return the likeliest class over the plane of two inputs."""
    found, (first, second) = fitted.evaluation, fitted.predictor.encoder.columns
    x, y = (_span(found.summary[name], PLANE, 0.05) for name in (first, second))
    plane = np.meshgrid(x, y)
    frame = pl.DataFrame({first: plane[0].ravel(), second: plane[1].ravel()})
    chances = fitted.predictor.probabilities(frame).reshape(PLANE, PLANE, -1)
    points = np.stack([np.asarray(found.cloud[name], float) for name in (first, second)], axis=1)
    labels = fitted.predictor.target.classes
    drawn = pictures.decision_boundary(
        x, y, chances, points, np.asarray(found.cloud[fitted.predictor.target.name]),
        labels=labels, names=(first, second),
    )  # fmt: skip
    return Picture(
        drawn, "The likeliest class; paler where it is less sure. Points are data.", "Decision boundary"
    )


def training(run: Run) -> Picture:
    """Return the loss of the mini-batches and of the validation, with the steps of the kept models."""
    curves: dict[str, tuple[Any, Any]] = {}
    for name, table in (("training", run.history), ("validation", run.validation)):
        found = table.get("score", table.get("loss"))
        if found is not None and len(found):
            curves[name] = thinned(table["step"], found)
    many = run.seeds > 1
    stop = None if run.best_step is None else np.unique(np.ravel(run.best_step))
    said = "Median over the members with their range" if many else "Loss"
    kept = (
        ""
        if stop is None
        else "; the dashed lines are the models kept"
        if many
        else "; dashed: the model kept"
    )
    label = "kept models" if many else "kept model"
    return Picture(plots.loss_curves(curves, stop=stop, stop_label=label), f"{said}{kept}.", "Loss")


def importances(fitted: TableFit) -> Picture:
    """Return the importances of the columns beside what chance shows."""
    found = fitted.evaluation
    given, band = found.importance, found.null
    assert given is not None
    title = METRICS[given.metric].title
    drawn = plots.attribution_bars(
        given.names, given.mean, spread=given.spread,
        chance=None if band is None else (band.lower, band.upper),
        any_column=None if band is None else band.any_column,
        x_label=f"loss of quality when shuffled ({title})",
    )  # fmt: skip
    chance = "" if band is None else " Orange: a network trained on shuffled targets; blue bars pass it."
    return Picture(drawn, f"By how much the {title} worsens when a column is shuffled.{chance}", "Importance")


def compared(fitted: TableFit) -> Picture:
    """Return the metric of the network beside the baselines'."""
    found = fitted.evaluation
    entries = [("network", found.interval), *((b.name, b.interval) for b in found.baselines)]
    title = METRICS[found.metric].title
    drawn = plots.comparison(entries, x_label=f"{title} on the test rows")
    return Picture(drawn, "Bars are 95 % bootstrap intervals over the test rows.", "Beside baselines")


def thinned(steps: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return at most 240 points of a curve `[n]` or `[n, seeds]`, each the mean of its neighbors.

    The values come as `[seeds, points]`; nan where a seed had stopped.
    """
    steps, values = np.asarray(steps, float), np.asarray(values, float)
    values = values.reshape(len(values), -1)
    parts = np.array_split(np.arange(len(steps)), min(len(steps), STEPS))
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    counts = np.stack([known[part].sum(0) for part in parts])
    sums = np.stack([filled[part].sum(0) for part in parts])
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return np.array([steps[part].mean() for part in parts]), means.T


def _errors(fitted: TableFit) -> list[Picture]:
    found, name = fitted.evaluation, fitted.predictor.target.name
    rows = np.linspace(0, len(found.y) - 1, min(len(found.y), MOST_DRAWN)).astype(int)
    y, predicted = found.y[rows], found.prediction[rows]
    ends = (
        {}
        if found.lower is None or found.upper is None
        else {"lower": found.lower[rows], "upper": found.upper[rows]}
    )
    parity = plots.parity(y, predicted, **ends, name=name, level=found.level)
    residual = plots.residuals(predicted, y - predicted, name=name)
    histogram = plots.residual_histogram(found.y - found.prediction, name=name)
    return [
        Picture(parity, "Test rows: on the diagonal the prediction is exact.", "Predicted and true"),
        Picture(residual, "A trend here is something that the fit missed.", "Residuals"),
        Picture(histogram, "How the errors are distributed.", "Errors"),
    ]


def _classes(fitted: TableFit) -> list[Picture]:
    found, labels = fitted.evaluation, fitted.predictor.target.classes
    matrix = np.zeros((len(labels), len(labels)), int)
    np.add.at(matrix, (found.y, found.prediction.argmax(1)), 1)
    curves: Mapping[str, Any] = {"network": reliability(found.prediction, found.y, bins=10)}
    return [
        Picture(
            plots.confusion_matrix(matrix, labels), "Test rows: right on the diagonal.", "Confusion matrix"
        ),
        Picture(
            plots.reliability_diagram(curves),
            "On the diagonal a confidence of 80 % is right in 8 of 10 cases; bars are ±2 standard errors.",
            "Reliability",
        ),
    ]


def _span(column: Any, count: int, beyond: float = 0.1) -> np.ndarray:
    """Return a grid over the range of a column and a little beyond it."""
    reach = (column.high - column.low) or 1.0
    return np.linspace(column.low - beyond * reach, column.high + beyond * reach, count)
