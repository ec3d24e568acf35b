"""How good predictions are, and how surely: metrics, bootstrap intervals, paired differences.

Each metric here is a smooth function of **means of per-example columns** (RMSE: the square root of the
mean squared error; R²: a ratio of two means), so that all resamples of a bootstrap are one matrix product.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

from ansatz.core import BadInput
from ansatz.results.numbers import Interval
from ansatz.supervised.calibration import expected_calibration_error

SMALLEST = 1e-7
"""Probabilities are clipped to [1e-7, 1 − 1e-7] in the log loss: one float32 rounding unit."""
MANY = 5_000
"""Beyond so many examples a resampled mean is drawn from its normal limit."""


@dataclass(frozen=True)
class Metric:
    """A metric: `value(means)` of the means over examples of `columns(y, prediction): [N, c]`."""

    name: str
    title: str
    higher_is_better: bool
    columns: Callable[[Any, Any], np.ndarray]
    value: Callable[[np.ndarray], np.ndarray]

    def __call__(self, y: Any, prediction: Any) -> float:
        """Return the metric of predictions, `[N]` or `[N, d]`, or of probabilities `[N, C]`."""
        y, prediction = _checked(y, prediction)
        return float(self.value(self.columns(y, prediction).mean(0)))

    def gain(self, new: Any, old: Any) -> Any:
        """Return by how much `new` is better than `old`: positive is an improvement."""
        return new - old if self.higher_is_better else old - new


def _rows(x: Any) -> np.ndarray:
    x = np.asarray(x, np.float64)
    return x.reshape(x.shape[0], -1)


def _squared(y: Any, prediction: Any) -> np.ndarray:
    return np.square(_rows(prediction) - _rows(y)).mean(1, keepdims=True)


def _absolute(y: Any, prediction: Any) -> np.ndarray:
    return np.abs(_rows(prediction) - _rows(y)).mean(1, keepdims=True)


def _explained(y: Any, prediction: Any) -> np.ndarray:
    centered = _rows(y) - _rows(y).mean(0)
    squares = np.square(centered).mean(1, keepdims=True)
    return np.concatenate([_squared(y, prediction), squares, centered], axis=1)


def _r2(means: np.ndarray) -> np.ndarray:
    error, square, centers = means[..., 0], means[..., 1], means[..., 2:]
    variance = np.maximum(square - np.square(centers).mean(-1), 0.0)
    constant = variance <= 1e-14 * np.maximum(square, 1e-300)
    ratio = error / np.where(constant, 1.0, variance)
    return np.where(constant, np.where(error > 0, 0.0, 1.0), 1.0 - ratio)


def _chosen(y: Any, probabilities: Any) -> np.ndarray:
    p, at = _rows(probabilities), np.asarray(y, np.int64)
    if at.min(initial=0) < 0 or at.max(initial=0) >= p.shape[1]:
        raise BadInput(f"A class number lies outside 0…{p.shape[1] - 1}, the columns of the probabilities.")
    return np.take_along_axis(p, at[:, None], axis=1)


def _right(y: Any, probabilities: Any) -> np.ndarray:
    return (np.argmax(_rows(probabilities), axis=1) == np.asarray(y)).astype(np.float64)[:, None]


def _surprise(y: Any, probabilities: Any) -> np.ndarray:
    return -np.log(np.clip(_chosen(y, probabilities), SMALLEST, 1.0 - SMALLEST))


def _brier(y: Any, probabilities: Any) -> np.ndarray:
    p = _rows(probabilities)
    distance = np.square(p).sum(1, keepdims=True) - 2.0 * _chosen(y, probabilities) + 1.0
    return distance / 2.0 if p.shape[1] == 2 else distance


def _first(means: np.ndarray) -> np.ndarray:
    return means[..., 0]


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("rmse", "RMSE", False, _squared, lambda means: np.sqrt(means[..., 0])),
        Metric("mae", "MAE", False, _absolute, _first),
        Metric("r2", "R²", True, _explained, _r2),
        Metric("accuracy", "accuracy", True, _right, _first),
        Metric("log_loss", "log loss", False, _surprise, _first),
        Metric("brier", "Brier score", False, _brier, _first),
    )
}
"""The metrics that have a bootstrap: `rmse`, `mae`, `r2`; `accuracy`, `log_loss`, `brier`."""


def regression(y: Any, prediction: Any) -> dict[str, float]:
    """Return `rmse`, `mae` and `r2` of predictions `[N]` or `[N, d]` of the targets `y`.

    >>> regression([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])["mae"]
    0.3333333333333333
    """
    return {name: METRICS[name](y, prediction) for name in ("rmse", "mae", "r2")}


def classification(y: Any, probabilities: Any) -> dict[str, float]:
    """Return accuracy, log loss, Brier score, ECE and, for two classes, the area under the ROC curve.

    `y: [N]` are class numbers in 0…C−1 and `probabilities: [N, C]`.

    >>> classification([0, 1], [[0.9, 0.1], [0.2, 0.8]])["accuracy"]
    1.0
    """
    scores = {name: METRICS[name](y, probabilities) for name in ("accuracy", "log_loss", "brier")}
    p = _rows(probabilities)
    scores["ece"] = expected_calibration_error(p, np.asarray(y))
    if p.shape[1] == 2 and np.unique(np.asarray(y)).size == 2:
        scores["auc"] = float(roc_auc_score(np.asarray(y), p[:, 1]))
    return scores


def bootstrap(
    metric: Metric, y: Any, prediction: Any, *, level: float = 0.95, repeats: int = 2000, seed: int = 0
) -> Interval:
    """Return a metric with its bootstrap interval over the N examples.

    The percentile interval at the level whose tails match Student's t (Hesterberg 2015, "expanded
    percentile"), so that it is not too narrow for small N. The examples are taken to be independent.
    Where all examples, or none, are right no resample differs: there the interval of an accuracy is the exact
    one of Clopper and Pearson, of length ``1 - ((1 - level)/2)**(1/N)``.

    >>> str(bootstrap(METRICS["mae"], [0.0] * 50, [1.0, 3.0] * 25))
    '2.00 [1.72, 2.28]'
    """
    y, prediction = _checked(y, prediction)
    columns = metric.columns(y, prediction)
    draws = metric.value(_resampled_means(columns, repeats, seed))
    found = _percentile(float(metric.value(columns.mean(0))), draws, len(columns), level)
    if metric.name == "accuracy" and found.value in (0.0, 1.0):
        length = 1.0 - ((1.0 - level) / 2.0) ** (1.0 / len(columns))
        ends = (0.0, length) if found.value == 0.0 else (1.0 - length, 1.0)
        return found._replace(lower=ends[0], upper=ends[1])
    return found


def paired_bootstrap(
    metric: Metric,
    y: Any,
    first: Any,
    second: Any,
    *,
    level: float = 0.95,
    repeats: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return metric(first) − metric(second) with its interval; both see the same resamples.

    Pairing removes what makes an example hard for both, so that the interval is far narrower than that of two
    separate bootstraps.
    """
    y, first = _checked(y, first)
    y, second = _checked(y, second)
    a, b = metric.columns(y, first), metric.columns(y, second)
    means = _resampled_means(np.concatenate([a, b], axis=1), repeats, seed)
    draws = metric.value(means[:, : a.shape[1]]) - metric.value(means[:, a.shape[1] :])
    value = float(metric.value(a.mean(0)) - metric.value(b.mean(0)))
    return _percentile(value, draws, len(a), level)


def _resampled_means(columns: np.ndarray, repeats: int, seed: int) -> np.ndarray:
    """Return the means of `repeats` resamples of the rows: `[repeats, c]`."""
    rng = np.random.default_rng(seed)
    count, width = columns.shape
    if count > MANY:
        covariance = np.cov(columns, rowvar=False, bias=True).reshape(width, width) / count
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        return columns.mean(0) + rng.standard_normal((repeats, width)) @ root.T
    means = np.empty((repeats, width))
    block = max(1, 4_000_000 // count)
    for start in range(0, repeats, block):
        size = min(block, repeats - start)
        picks = rng.integers(count, size=(size, count)) + count * np.arange(size)[:, None]
        weights = np.bincount(picks.ravel(), minlength=size * count).reshape(size, count)
        means[start : start + size] = weights @ columns / count
    return means


def _percentile(value: float, draws: np.ndarray, count: int, level: float) -> Interval:
    if not 0.0 < level < 1.0:
        raise BadInput(f"The level of an interval was {level}; it is a probability between 0 and 1.")
    tail = (1.0 - level) / 2.0
    if count > 1:
        tail = float(stats.norm.cdf(np.sqrt(count / (count - 1)) * stats.t.ppf(tail, count - 1)))
    lower, upper = np.quantile(draws, [tail, 1.0 - tail])
    return Interval(value, min(float(lower), value), max(float(upper), value), level)


def _checked(y: Any, prediction: Any) -> tuple[np.ndarray, np.ndarray]:
    y, prediction = np.asarray(y), np.asarray(prediction)
    if y.ndim == 0 or y.shape[0] == 0:
        raise BadInput("There are no examples to score; a metric needs one at least.")
    if prediction.ndim == 0 or prediction.shape[0] != y.shape[0]:
        raise BadInput(
            f"The predictions have shape {list(prediction.shape)} for targets of shape {list(y.shape)};"
            " there must be one prediction for each target."
        )
    return y, prediction
