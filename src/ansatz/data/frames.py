"""Tables from what is in memory: polars, pandas, a dictionary of columns, an array."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from ansatz.core import BadInput
from ansatz.data.arrays import frame_from_arrays
from ansatz.data.text import unique_names


def is_pandas(source: Any) -> bool:
    """Tell whether `source` behaves as a pandas DataFrame, without importing pandas."""
    return all(hasattr(source, name) for name in ("columns", "iloc", "dtypes", "to_numpy"))


def read_frame(source: Any, remarks: list[str] | None = None) -> pl.DataFrame:
    """Return a table in memory as a polars DataFrame."""
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    if is_pandas(source):
        return _from_pandas(source, remarks)
    if isinstance(source, np.ndarray):
        return frame_from_arrays({"array": np.atleast_1d(source)}, "the array")
    if isinstance(source, Mapping):
        return _from_columns(source)
    raise BadInput(
        f"A table cannot be made from {type(source).__name__}; give a path, a polars or pandas DataFrame, "
        "a dictionary of columns or an array [rows, columns]."
    )


def _from_columns(source: Mapping[str, Any]) -> pl.DataFrame:
    columns, rows = {}, None
    for name, values in source.items():
        series = _series(str(name), values)
        if series is None:
            return frame_from_arrays({str(k): np.asarray(v) for k, v in source.items()}, "the dictionary")
        if rows is not None and len(series) != rows[1]:
            raise BadInput(
                f"Column {str(name)!r} has {len(series)} values where {rows[0]!r} has {rows[1]}; "
                "all columns need the same number."
            )
        rows = rows or (str(name), len(series))
        columns[str(name)] = series
    return pl.DataFrame(columns)


def _series(name: str, values: Any) -> pl.Series | None:
    """Return one column, or `None` for a matrix."""
    if isinstance(values, pl.Series):
        return values.alias(name)
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        values = np.asarray(values)
        if values.ndim == 0:
            raise BadInput(f"Column {name!r} is a single value; a column is a list of values.")
        if values.ndim > 1:
            return None
        if values.dtype != object:
            return frame_from_arrays({name: values}, "the dictionary").to_series()
    return _from_list(name, list(values))


def _from_list(name: str, values: list[Any]) -> pl.Series:
    """Return values of any types as a column: as they are if they agree, else as text."""
    values = [None if value is None or value != value else value for value in values]
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, pl.exceptions.PolarsError, OverflowError):
        return pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String)


def _from_pandas(source: Any, remarks: list[str] | None) -> pl.DataFrame:
    names = unique_names([str(name) for name in source.columns], "the DataFrame", remarks)
    columns = []
    for position, name in enumerate(names):
        column = source.iloc[:, position]
        missing = np.asarray(column.isna().to_numpy(), bool)
        values = column.to_numpy()
        if (
            isinstance(values, np.ndarray)
            and values.dtype.kind in "biufM"
            and not (missing.any() and values.dtype.kind == "M")
        ):
            columns.append(frame_from_arrays({name: values}, "the DataFrame").to_series())
            continue
        cells = [None if gone else value for value, gone in zip(column.tolist(), missing, strict=True)]
        columns.append(_from_list(name, cells))
    return pl.DataFrame(columns)
