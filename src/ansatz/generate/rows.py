"""Data of generative models, checked before anything compiles: rows of vectors, and those set aside."""

import math
from typing import Any

import jax
import numpy as np

from ansatz.core import BadInput, Pairs


def as_rows(data: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Return data and classes as arrays `[N, d]` and `[N]` of NumPy, checked."""
    x, y = (data.x, data.y) if isinstance(data, Pairs) else (data, None)
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or min(x.shape) < 1 or len(x) < 2:
        raise BadInput(f"The data have the shape {list(x.shape)}; they should be [N, d] with N above 1.")
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise BadInput(f"The data hold {x[row, column]} in row {row}, column {column}: leave that row out.")
    if y is None:
        return x, None
    y = np.asarray(y)
    if y.shape != x.shape[:1] or not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
        raise BadInput(
            f"Classes are whole numbers from 0 on, one for each of {len(x)} rows, and these are {y.dtype} "
            f"of shape {list(y.shape)}."
        )
    return x, y.astype(np.int32)


def check_held(share: float, of: str) -> None:
    """Refuse what is no share of the data, `of` names them, to set aside."""
    if not 0 <= share < 1:
        raise BadInput(f"held={share} is no share of the {of} to set aside: it lies in [0, 1).")


def set_aside(key: Any, count: int, share: float, most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return which of `count` examples train and which do not, by chance, in order; `most` of the latter.

    >>> [len(rows) for rows in set_aside(jax.random.key(0), 50, 0.1)]
    [45, 5]
    """
    rows = np.asarray(jax.random.permutation(key, count))
    aside = math.floor(share * count)
    return np.sort(rows[aside:]), np.sort(rows[:aside][:most])
