"""Prediction intervals and sets whose coverage holds for any model and any distribution.

All that is asked is that calibration and new examples are exchangeable. One score serves every regression:

    s = max(lower − y, y − upper) / scale

with lower = upper = mean it is the absolute residual, with a scale σ(x) the locally scaled one, and with
two estimated quantiles that of conformalized quantile regression (Romano, Patterson and Candès 2019). The
margin q is the ⌈(n+1)·level⌉-th smallest of n scores; the interval is [lower − q·scale, upper + q·scale].
"""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ansatz.core import BadInput


def rank(count: int, level: float) -> int:
    """Return ⌈(n+1)·level⌉, the rank of the margin among n scores; n+1 stands for an infinite margin.

    >>> rank(99, 0.9), rank(9, 0.9), rank(8, 0.9)
    (90, 9, 9)
    """
    if not 0.0 < level < 1.0:
        raise BadInput(f"The level of the intervals was {level}; it is a probability between 0 and 1.")
    return math.ceil((count + 1) * level - 1e-9)


def margin(scores: Any, level: float) -> float:
    """Return the ⌈(n+1)·level⌉-th smallest score, infinite where n is too small for the level."""
    scores = np.asarray(scores, np.float64).ravel()
    if np.isnan(scores).any():
        raise BadInput("A calibration score is not a number; check the predictions for NaN.")
    at = rank(scores.size, level)
    return math.inf if at > scores.size else float(np.partition(scores, at - 1)[at - 1])


def score(y: Any, lower: Any, upper: Any = None, scale: Any = None) -> np.ndarray:
    """Return max(lower − y, y − upper) / scale; `upper` is `lower` and `scale` is 1 unless given."""
    y, low, high, width = _ends(lower, upper, scale, y)
    return np.maximum(low - y, y - high) / width


class Coverage(NamedTuple):
    """The share of examples inside their intervals (or sets), with their mean width (or size)."""

    share: float
    width: float


@dataclass(frozen=True)
class Split:
    """Split-conformal intervals: P(y ∈ interval) ≥ level, and ≤ level + 1/(n+1) without ties.

    >>> import numpy as np
    >>> y = np.arange(1.0, 100.0)
    >>> Split.calibrate(y, np.zeros(99), level=0.9).interval(np.zeros(1))
    (array([-90.]), array([90.]))
    """

    margin: float
    level: float
    count: int

    @classmethod
    def calibrate(
        cls, y: Any, lower: Any, upper: Any = None, *, scale: Any = None, level: float = 0.9
    ) -> "Split":
        """Return the intervals fitted to n held-out examples, each argument `[n]` and in order of `score`."""
        scores = score(y, lower, upper, scale)
        return cls(margin(scores, level), float(level), int(scores.size))

    def interval(self, lower: Any, upper: Any = None, *, scale: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends `[m]` for new predictions `[m]`, given in the same form as when calibrated."""
        _, low, high, width = _ends(lower, upper, scale)
        return _ordered(low - self.margin * width, high + self.margin * width)


@dataclass(frozen=True)
class Mondrian:
    """Split-conformal intervals with a margin for each group, so that the coverage holds within each.

    `groups` are labels known before y is (a category, a bin of a column or of the prediction). A group that
    calibration never saw gets an infinite interval, since nothing is known about its errors (Vovk 2012).
    """

    margins: dict[Any, float]
    level: float

    @classmethod
    def calibrate(
        cls, groups: Any, y: Any, lower: Any, upper: Any = None, *, scale: Any = None, level: float = 0.9
    ) -> "Mondrian":
        """Return the margins of the groups of n held-out examples, each argument `[n]`."""
        scores, groups = score(y, lower, upper, scale), np.asarray(groups)
        if groups.shape != scores.shape:
            raise BadInput(f"There are {groups.size} groups for {scores.size} examples; each needs one.")
        margins = {group.item(): margin(scores[groups == group], level) for group in np.unique(groups)}
        return cls(margins, float(level))

    def interval(
        self, groups: Any, lower: Any, upper: Any = None, *, scale: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends `[m]` for new predictions `[m]` that belong to `groups: [m]`."""
        _, low, high, width = _ends(lower, upper, scale)
        out = np.array([self.margins.get(group.item(), math.inf) for group in np.asarray(groups)]) * width
        return _ordered(low - out, high + out)


@dataclass(frozen=True)
class CrossPlus:
    """CV+ and, with n folds, jackknife+ intervals: every example both trains and calibrates (small data).

    With R_i the score of example i under the model that did not see its fold k(i), the interval is

        [⌊α(n+1)⌋-th smallest of lower_k(i)(x) − R_i σ_k(i)(x),
         ⌈(1−α)(n+1)⌉-th smallest of upper_k(i)(x) + R_i σ_k(i)(x)],   1 − α = level.

    Its coverage is at least 1 − 2α − √(2/n) whatever the model and near 1 − α when the folds' models agree
    (Barber, Candès, Ramdas and Tibshirani 2021, theorem 4).
    """

    scores: np.ndarray = field(repr=False)
    fold: np.ndarray = field(repr=False)
    level: float

    @classmethod
    def calibrate(
        cls, fold: Any, y: Any, lower: Any, upper: Any = None, *, scale: Any = None, level: float = 0.9
    ) -> "CrossPlus":
        """Return the intervals for n out-of-fold predictions; `fold: [n]` are fold numbers in 0…K−1."""
        scores, fold = score(y, lower, upper, scale), np.asarray(fold)
        if fold.shape != scores.shape or not np.issubdtype(fold.dtype, np.integer):
            raise BadInput(
                f"The folds have shape {list(fold.shape)} and type {fold.dtype}; there is one integer a row."
            )
        if np.isnan(scores).any():
            raise BadInput("A calibration score is not a number; check the predictions for NaN.")
        rank(scores.size, level)
        return cls(scores, fold, float(level))

    def interval(self, lower: Any, upper: Any = None, *, scale: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends `[m]` at m new examples, given the K fold models' predictions there: `[K, m]`."""
        _, low, high, width = _ends(lower, upper, scale)
        folds = int(self.fold.max()) + 1
        if low.ndim != 2 or low.shape[0] != folds:
            raise BadInput(
                f"The predictions have shape {list(low.shape)}; {folds} fold models give [{folds}, m]."
            )
        count, examples = self.scores.size, low.shape[1]
        at = rank(count, self.level)
        if at > count:
            return np.full(examples, -np.inf), np.full(examples, np.inf)
        block = max(1, 4_000_000 // count)
        parts = [self._ends_at(low, high, width, slice(s, s + block), at) for s in range(0, examples, block)]
        ends = np.concatenate(parts, axis=1) if parts else np.empty((2, 0))
        return _ordered(ends[0], ends[1])

    def _ends_at(self, low: Any, high: Any, width: Any, part: slice, at: int) -> np.ndarray:
        reach = self.scores[:, None] * width[self.fold, part]
        below = low[self.fold, part] - reach
        above = high[self.fold, part] + reach
        down, up = self.scores.size - at, at - 1
        return np.stack([np.partition(below, down, axis=0)[down], np.partition(above, up, axis=0)[up]])


@dataclass(frozen=True)
class PredictionSets:
    """Sets of classes that hold the true one with probability ≥ level.

    `"aps"` (Romano, Sesia and Candès 2020) takes classes from the likeliest on until their mass reaches the
    threshold; randomization at the last one makes the coverage exact, at the price of some empty sets.
    `"lac"` takes every class of probability ≥ 1 − threshold: the smallest sets on average, some empty.
    """

    threshold: float
    level: float
    method: str = "aps"
    randomized: bool = True

    @classmethod
    def calibrate(
        cls,
        y: Any,
        probabilities: Any,
        *,
        level: float = 0.9,
        method: str = "aps",
        randomized: bool = True,
        seed: int = 0,
    ) -> "PredictionSets":
        """Return the sets fitted to n held-out examples, `y: [n]` in 0…C−1 and `probabilities: [n, C]`."""
        if method not in ("aps", "lac"):
            raise BadInput(f"The method of the prediction sets was {method!r}; it is 'aps' or 'lac'.")
        scores = _class_scores(probabilities, method, randomized, seed)
        chosen = np.take_along_axis(scores, np.asarray(y, np.int64)[:, None], axis=1)
        return cls(margin(chosen, level), float(level), method, randomized)

    def sets(self, probabilities: Any, *, seed: int = 1) -> np.ndarray:
        """Return which classes belong to the set of each new example: `bool[m, C]`."""
        return _class_scores(probabilities, self.method, self.randomized, seed) <= self.threshold


def covered(y: Any, lower: Any, upper: Any) -> Coverage:
    """Return the share of y inside [lower, upper] and the mean width of the intervals."""
    y, low, high = (np.asarray(x, np.float64) for x in (y, lower, upper))
    return Coverage(float(((low <= y) & (y <= high)).mean()), float((high - low).mean()))


def covered_sets(y: Any, sets: Any) -> Coverage:
    """Return the share of examples whose class is in their set and the mean size of the sets."""
    sets = np.asarray(sets, bool)
    hit = np.take_along_axis(sets, np.asarray(y, np.int64)[:, None], axis=1)
    return Coverage(float(hit.mean()), float(sets.sum(1).mean()))


def coverage_band(
    calibration: int, test: int, level: float, confidence: float = 0.999
) -> tuple[float, float]:
    """Return the band in which the coverage measured on `test` examples lies with probability `confidence`.

    With k = ⌈(n+1)·level⌉ the number of covered examples is beta-binomial with parameters (test, k, n+1−k)
    when scores have no ties (Vovk 2012): the luck of the calibration and of the test part together.

    >>> low, high = coverage_band(500, 500, 0.9)
    >>> round(low, 3), round(high, 3)
    (0.83, 0.954)
    """
    at = rank(calibration, level)
    if at > calibration:
        return 1.0, 1.0
    law = stats.betabinom(test, at, calibration + 1 - at)
    tail = (1.0 - confidence) / 2.0
    return float(law.ppf(tail)) / test, float(law.ppf(1.0 - tail)) / test


def _class_scores(probabilities: Any, method: str, randomized: bool, seed: int) -> np.ndarray:
    p = np.asarray(probabilities, np.float64)
    if p.ndim != 2:
        raise BadInput(
            f"The probabilities have shape {list(p.shape)}; they are one row of C classes an example."
        )
    if method == "lac":
        return 1.0 - p
    order = np.argsort(-p, axis=1, kind="stable")
    ordered = np.take_along_axis(p, order, axis=1)
    share = np.random.default_rng(seed).random((len(p), 1)) if randomized else 1.0
    scores = np.empty_like(p)
    np.put_along_axis(scores, order, np.cumsum(ordered, axis=1) - ordered + share * ordered, axis=1)
    return scores


def _ends(lower: Any, upper: Any, scale: Any, y: Any = 0.0) -> tuple[np.ndarray, ...]:
    """Return y, lower, upper and scale as float64 arrays; crossed quantiles meet in their middle."""
    low = np.asarray(lower, np.float64)
    high = low if upper is None else np.asarray(upper, np.float64)
    width = np.ones_like(low) if scale is None else np.asarray(scale, np.float64)
    target = (
        np.broadcast_to(np.asarray(y, np.float64), low.shape)
        if np.ndim(y) == 0
        else np.asarray(y, np.float64)
    )
    if not low.shape == high.shape == width.shape == target.shape:
        shapes = ", ".join(str(list(x.shape)) for x in (target, low, high, width))
        raise BadInput(f"Targets, lower ends, upper ends and scales have shapes {shapes}; they must agree.")
    if not (width > 0).all():
        raise BadInput("A scale of the intervals is zero, negative or not a number; scales are positive.")
    middle = (low + high) / 2.0
    crossed = low > high
    return target, np.where(crossed, middle, low), np.where(crossed, middle, high), width


def _ordered(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends in order: an interval that a negative margin turned over is its middle point."""
    with np.errstate(invalid="ignore"):
        middle = (low + high) / 2.0
    crossed = low > high
    return np.where(crossed, middle, low), np.where(crossed, middle, high)
