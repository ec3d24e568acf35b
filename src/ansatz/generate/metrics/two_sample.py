"""The classifier two-sample test: whether anything tells what was drawn from data.

Source: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests" (2017).
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binom, binomtest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from ansatz.generate.metrics.card import as_features


class TwoSample(NamedTuple):
    """The share that was told apart, 1/2 where nothing tells, its 95 % interval, and the p-value of 1/2."""

    accuracy: float
    interval: tuple[float, float]
    p_value: float


def two_sample(drawn: Any, data: Any, *, classifier: Any = None, folds: int = 5, seed: int = 0) -> TwoSample:
    """Return how well a classifier tells drawn examples `[N, p]` from data `[M, p]` that it has not seen.

    Both are cut to the same size; each example is judged by a classifier trained on the other folds
    (gradient boosting, if none is given).

    >>> random = np.random.default_rng(0)
    >>> two_sample(random.normal(size=(200, 2)), random.normal(size=(200, 2)) + 5).accuracy > 0.95
    True
    """
    drawn, data = as_features(drawn), as_features(data)
    count, random = min(len(drawn), len(data)), np.random.default_rng(seed)
    x = np.concatenate([one[random.permutation(len(one))[:count]] for one in (drawn, data)])
    y = np.repeat([0, 1], count)
    model = HistGradientBoostingClassifier(random_state=seed) if classifier is None else classifier
    right = int(np.sum(np.asarray(cross_val_predict(model, x, y, cv=folds)) == y))
    low, high = binomtest(right, 2 * count).proportion_ci(0.95, method="wilson")
    value = float(binom.sf(right - 1, 2 * count, 0.5))
    return TwoSample(right / (2 * count), (float(low), float(high)), value)
