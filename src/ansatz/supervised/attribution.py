"""Which columns the predictions hang on, and how much of that chance alone would show."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.core import BadInput
from ansatz.supervised.metrics import Metric

Columns = Mapping[str, Any]
Predict = Callable[[dict[str, np.ndarray]], Any]


class Importance(NamedTuple):
    """By how much the metric worsens when a column is shuffled: mean and spread over repeats.

    `drops: [d, repeats]` are the single values, `mean: [d]` and `spread: [d]` (standard deviation) theirs.
    """

    names: tuple[str, ...]
    mean: np.ndarray
    spread: np.ndarray
    drops: np.ndarray
    metric: str


class NullBand(NamedTuple):
    """What importances look like by chance: `lower, upper: [d]` per column, `any_column` for the largest.

    An importance above `any_column` is one that chance would show in no column at all, at the level given.
    """

    lower: np.ndarray
    upper: np.ndarray
    any_column: float
    level: float


def permutation_importance(
    predict: Predict,
    columns: Columns,
    y: Any,
    metric: Metric,
    *,
    repeats: int = 10,
    most_rows: int = 4000,
    seed: int = 0,
) -> Importance:
    """Return how much worse the metric gets on held-out rows when one column at a time is shuffled.

    Shuffling breaks the tie between a column and everything else (Breiman 2001; Fisher, Rudin and Dominici
    2019); two columns that say the same share their importance. `columns` maps names to arrays `[N, ...]`;
    `predict` takes such a dictionary (with any number of rows) to predictions. At most `most_rows` rows,
    drawn at random, are used.

    >>> import numpy as np
    >>> from ansatz.supervised.metrics import METRICS
    >>> rng = np.random.default_rng(0)
    >>> table = {"matters": rng.normal(size=500), "does not": rng.normal(size=500)}
    >>> found = permutation_importance(lambda t: t["matters"], table, table["matters"], METRICS["rmse"])
    >>> [bool(m > 0) for m in found.mean]
    [True, False]
    """
    columns, y = _sampled(columns, y, most_rows, seed)
    drops = _drops(predict, columns, y, metric, repeats, np.random.default_rng([seed, 1]))
    return Importance(tuple(columns), drops.mean(1), drops.std(1), drops, metric.name)


def null_band(
    predicts: Predict | Sequence[Predict],
    columns: Columns,
    y: Any,
    metric: Metric,
    *,
    repeats: int = 10,
    level: float = 0.95,
    most_rows: int = 4000,
    seed: int = 0,
) -> NullBand:
    """Return the band of importances that chance gives, from models trained on **shuffled** targets.

    Each of `predicts` belongs to a model fitted like the real one, but to targets in random order (Altmann
    et al. 2010). Its importances are measured against shuffled held-out targets, a new order each repeat, so
    that no true dependence is left. More models make the band steadier; one shows its size.
    """
    models = list(predicts) if isinstance(predicts, Sequence) else [predicts]
    if not models:
        raise BadInput("A null band needs one model at least that was trained on shuffled targets.")
    columns, y = _sampled(columns, y, most_rows, seed)
    rng = np.random.default_rng([seed, 2])
    parts = [
        _drops(predict, columns, rng.permutation(y, axis=0), metric, 1, rng)
        for predict in models
        for _ in range(repeats)
    ]
    drops = np.concatenate(parts, axis=1)
    tail = (1.0 - level) / 2.0
    lower, upper = np.quantile(drops, [tail, 1.0 - tail], axis=1)
    largest = drops.max(0) if len(drops) else np.zeros(1)
    return NullBand(lower, upper, float(np.quantile(largest, level)), level)


def gradient_importance(function: Any, x: Any, *, spread: Any = None, most_rows: int = 4000) -> np.ndarray:
    """Return mean |∂f/∂x_j| · sd(x_j) for each input: the change of f that one standard deviation makes.

    `function` takes one input `[d]` to a number or to `[k]`, over which the mean is taken too; it is a Map or
    any JAX function. `x: [N, d]`, of which the first `most_rows` are used; `spread: [d]` is the standard
    deviation unless given.

    >>> import jax.numpy as jnp, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    >>> gradient_importance(lambda v: 3.0 * v[0] - v[1], x, spread=np.ones(2))
    array([3., 1.])
    """
    inputs = np.asarray(x, np.float32)
    if inputs.ndim != 2 or not len(inputs):
        raise BadInput(
            f"The inputs have shape {list(inputs.shape)}; gradients need rows of d numbers, [N, d]."
        )
    spread = inputs.std(0) if spread is None else np.asarray(spread)
    slopes = np.asarray(_mean_slopes(function, jnp.asarray(inputs[:most_rows])), np.float64)
    return slopes * np.asarray(spread, np.float64)


@eqx.filter_jit
def _mean_slopes(function: Any, x: jax.Array) -> jax.Array:
    def slope(one: jax.Array) -> jax.Array:
        jacobian = jax.jacrev(lambda v: jnp.ravel(function(v)))(one)
        return jnp.abs(jacobian).mean(0)

    return jax.vmap(slope)(x).mean(0)


def _drops(
    predict: Predict, columns: dict[str, np.ndarray], y: Any, metric: Metric, repeats: int, rng: Any
) -> np.ndarray:
    """Return `[d, repeats]`; the repeats of a column are one call on stacked copies of the rows."""
    base = metric(y, predict(dict(columns)))
    drops = np.empty((len(columns), repeats))
    stacked = {name: np.concatenate([column] * repeats) for name, column in columns.items()}
    for at, (name, column) in enumerate(columns.items()):
        shuffled = np.concatenate([rng.permutation(column, axis=0) for _ in range(repeats)])
        predictions = np.asarray(predict({**stacked, name: shuffled}))
        parts = np.split(predictions, repeats)
        drops[at] = [metric.gain(base, metric(y, part)) for part in parts]
    return drops


def _sampled(columns: Columns, y: Any, most: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    y = np.asarray(y)
    arrays = {str(name): np.asarray(column) for name, column in columns.items()}
    for name, column in arrays.items():
        if column.shape[:1] != y.shape[:1]:
            raise BadInput(f"The column {name!r} has {column.shape[0]} rows for {y.shape[0]} targets.")
    if len(y) <= most:
        return arrays, y
    rows = np.sort(np.random.default_rng(seed).choice(len(y), most, replace=False))
    return {name: column[rows] for name, column in arrays.items()}, y[rows]
