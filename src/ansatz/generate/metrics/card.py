"""A figure with what is needed to compare it: how many examples, which features, its floor, its interval."""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ansatz.errors import BadInput

RESAMPLES = 100
LEVEL = 0.95


class Card(NamedTuple):
    """A figure `value` of `metric`.

    `count` and `against` are the sizes of the two samples, `features` the hash of what made the features
    ("" for the examples themselves), `floor` the figure that data themselves reach (None where it is known
    to be none), and `interval` where the figure lies with probability `LEVEL` over resampled examples.
    """

    metric: str
    value: float
    count: int
    against: int
    features: str
    floor: float | None
    interval: tuple[float, float]

    @property
    def ratio(self) -> float:
        """The figure over its floor."""
        return self.value / self.floor if self.floor else float("nan")

    def __str__(self) -> str:
        """Say it in one line."""
        low, high = self.interval
        floor = "" if self.floor is None else f"; data themselves {self.floor:.3g}"
        name = f", features {self.features[:8]}" if self.features else ""
        return (
            f"{self.metric} {self.value:.3g} ({low:.3g} to {high:.3g}; {self.count} drawn against "
            f"{self.against}{name}{floor})"
        )


def measured(
    metric: str,
    figure: Callable[[np.ndarray, np.ndarray], float],
    drawn: Any,
    data: Any,
    other: Any = None,
    *,
    features: str = "",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Card:
    """Return a figure of drawn examples `[N, p]` against data `[M, p]` with its floor and interval.

    `figure(drawn, data)` is the metric; the floor is that of `other` data `[L, p]`, which the model has not
    seen, against `data`.  The interval is the bootstrap's, resampling what was drawn and moved by its bias.

    >>> random = np.random.default_rng(0)
    >>> one, two, three = random.normal(size=(3, 500, 1))
    >>> gap = lambda a, b: float(abs(a.mean() - b.mean()))
    >>> card = measured("gap of means", gap, one + 1, two, three)
    >>> card.interval[0] < card.value < card.interval[1], card.floor < 0.2
    (True, True)
    """
    drawn, data = as_features(drawn), as_features(data)
    if drawn.shape[1] != data.shape[1]:
        raise BadInput(
            f"What was drawn has {drawn.shape[1]} features and the data have {data.shape[1]}: these differ."
        )
    value = figure(drawn, data)
    floor = None if other is None else figure(as_features(other), data)
    random = np.random.default_rng(seed)
    again = np.array(
        [figure(drawn[random.integers(0, len(drawn), len(drawn))], data) for _ in range(resamples)]
    )
    # Resampled examples repeat, which biases most metrics: their spread is what the bootstrap knows.
    around = again - again.mean()
    low, high = np.quantile(around, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    interval = (float(value + low), float(value + high))
    return Card(metric, float(value), len(drawn), len(data), features, floor, interval)


def as_features(x: Any) -> np.ndarray:
    """Return examples `[N, …]` as rows of finite numbers `[N, p]`, N at least 2."""
    x = np.asarray(x, np.float64)
    if x.ndim < 2 or len(x) < 2:
        raise BadInput(f"Examples are an array [N, …] with N of at least 2, not of shape {list(x.shape)}.")
    x = x.reshape(len(x), -1)
    if not np.isfinite(x).all():
        raise BadInput(f"Row {np.flatnonzero(~np.isfinite(x).all(1))[0]} holds a value that is not finite.")
    return x


def digest(*arrays: Any) -> str:
    """Return a hash of the parameters that made features, so that like is compared with like.

    >>> digest(np.ones(2)) == digest(np.ones(2)) != digest(np.zeros(2))
    True
    """
    found = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
