"""Data of generative models for vectors, checked before anything compiles."""

from typing import Any

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
