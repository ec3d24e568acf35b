"""A table as the baselines see it: numbers with gaps, and categories as codes, learned from training rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ansatz.core import BadInput
from ansatz.results.numbers import missing

MOST_CATEGORIES = 254
"""Rarer categories than the 254 most frequent share one code: gradient boosting holds 255 at most."""


@dataclass(frozen=True)
class Design:
    """What turns a table into a float64 matrix: per column its category codes, or `None` for a number.

    >>> design = Design.learn([["a", 1.0], ["b", 2.0], ["a", None]])
    >>> design.matrix([["b", None], ["c", 4.0]])
    array([[ 1., nan],
           [ 2.,  4.]])
    """

    codes: tuple[dict[Any, int] | None, ...]

    @classmethod
    def learn(cls, x: Any, categorical: Sequence[bool] | None = None) -> "Design":
        """Return the design of training rows: an array `[N, d]` or a polars or pandas frame.

        `categorical: [d]` says which columns are categories; by default those that hold no numbers.
        """
        columns = _columns(x)
        if categorical is None:
            mask = [column.dtype.kind not in "biufmM" and not _numeric(column) for column in columns]
        else:
            mask = [bool(one) for one in categorical]
        if len(mask) != len(columns):
            raise BadInput(f"The mask of categories has {len(mask)} entries for {len(columns)} columns.")
        return cls(tuple(_codes(c) if one else None for c, one in zip(columns, mask, strict=True)))

    @property
    def categorical(self) -> np.ndarray:
        """Which columns are categories: `bool[d]`."""
        return np.array([code is not None for code in self.codes], bool)

    def matrix(self, x: Any) -> np.ndarray:
        """Return the columns as float64 `[N, d]`; a missing value is NaN, a new category the last code."""
        columns = _columns(x)
        if len(columns) != len(self.codes):
            raise BadInput(f"The table has {len(columns)} columns; the training part had {len(self.codes)}.")
        out = np.empty((len(columns[0]) if columns else 0, len(columns)))
        for at, (column, code) in enumerate(zip(columns, self.codes, strict=True)):
            out[:, at] = _numbers(column) if code is None else _coded(column, code)
        return out


def _columns(x: Any) -> list[np.ndarray]:
    """Return the columns of an array or of a frame that has `columns` and `[name].to_numpy()`."""
    if hasattr(x, "columns") and not isinstance(x, np.ndarray):
        return [np.asarray(x[name].to_numpy()) for name in x.columns]
    x = np.asarray(x) if isinstance(x, np.ndarray) or hasattr(x, "__array__") else np.array(x, dtype=object)
    if x.ndim != 2:
        raise BadInput(f"The inputs have shape {list(x.shape)}; a table has rows and columns, [N, d].")
    return list(x.T)


def _numeric(column: np.ndarray) -> bool:
    return all(isinstance(v, (int, float, np.number, np.bool_)) for v in column if not missing(v))


def _numbers(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind in "mM":
        moments = column.astype("datetime64[us]" if column.dtype.kind == "M" else "timedelta64[us]")
        return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 1e6)
    if column.dtype.kind == "O":
        column = np.array([np.nan if missing(value) else value for value in column], np.float64)
    numbers = column.astype(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _codes(column: np.ndarray) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    for value in column.tolist():
        if not missing(value):
            counts[value] = counts.get(value, 0) + 1
    frequent = sorted(counts, key=lambda value: -counts[value])[:MOST_CATEGORIES]
    return {value: code for code, value in enumerate(frequent)}


def _coded(column: np.ndarray, codes: dict[Any, int]) -> np.ndarray:
    other = len(codes)
    return np.array([np.nan if missing(v) else codes.get(v, other) for v in column.tolist()], np.float64)
