"""Columns over steps (losses, metrics, validations) as the bytes of a Parquet file."""

import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ansatz.core import BadInput

LIMIT = 4 * 2**30
_DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()


def columns_to_bytes(columns: Mapping[str, np.ndarray], what: str = "history") -> bytes:
    """Return equally long columns, each `[rows, ...]`, as a Parquet file; equal columns, equal bytes.

    Raises `BadInput` if the lengths differ or a column holds neither numbers nor truth values.

    >>> columns_from_bytes(columns_to_bytes({"loss": np.array([2.0, 1.0])}))
    {'loss': array([2., 1.])}
    """
    import polars

    rows = {name: len(column) if np.ndim(column) else -1 for name, column in columns.items()}
    if len(set(rows.values())) > 1 or -1 in rows.values():
        raise BadInput(f"The columns of {what} must be equally long, and they are {_lengths(rows)}.")
    series = []
    for name, column in columns.items():
        native = np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("="))
        if native.dtype.name not in _DTYPES:
            raise BadInput(
                f"The column {name!r} of {what} is of {column.dtype}; known are {', '.join(_DTYPES)}."
            )
        if 0 in native.shape[1:]:
            raise BadInput(f"The column {name!r} of {what} is {native.shape}: its rows are empty.")
        series.append(polars.Series(name, native))
    file = io.BytesIO()
    polars.DataFrame(series).write_parquet(file)
    return file.getvalue()


def columns_from_bytes(data: bytes, what: str = "history") -> dict[str, np.ndarray]:
    """Return the columns of a Parquet file; raises `BadInput` if it holds anything else."""
    import polars

    try:
        lazy = polars.scan_parquet(io.BytesIO(data))
        rows = int(lazy.select(polars.len()).collect().item())
        schema = lazy.collect_schema()
        width = sum(_bytes_per_row(dtype, name, what) for name, dtype in schema.items())
        if rows * width > LIMIT:
            raise BadInput(f"{what} would take {rows * width} bytes of memory; at most {LIMIT} are read.")
        frame = polars.read_parquet(io.BytesIO(data), use_pyarrow=False)
        if any(frame.null_count().row(0)) if frame.width else False:
            raise BadInput(f"{what} has holes, which Ansatz never writes.")
        return {name: np.array(frame[name].to_numpy(), copy=True) for name in frame.columns}
    except BadInput:
        raise
    except (Exception, polars.exceptions.PanicException) as error:
        raise BadInput(f"{what} is no Parquet file that Ansatz wrote: {str(error)[:200]}.") from None


def _bytes_per_row(dtype: Any, name: str, what: str) -> int:
    import polars

    shape: tuple[int, ...] = ()
    if isinstance(dtype, polars.Array):
        shape = tuple(dtype.shape)
        while isinstance(dtype, polars.Array):
            dtype = dtype.inner
    if str(dtype).lower().replace("boolean", "bool") not in _DTYPES:
        raise BadInput(f"The column {name!r} of {what} is of {dtype}, which Ansatz never writes.")
    return 8 * math.prod(shape)


def _lengths(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {'a number' if n < 0 else n}" for name, n in list(rows.items())[:8])
