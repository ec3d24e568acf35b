"""Tables from NumPy files: NPY and NPZ, checked before a byte of data is unpacked."""

import io
import math
import tokenize
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from ansatz.core import BadInput
from ansatz.data.limits import LARGEST, MOST_MEMBERS, MOST_RATIO, SLACK
from ansatz.data.words import listing, suggestion

DAMAGED = (ValueError, TypeError, SyntaxError, EOFError, OSError, RecursionError, KeyError)
DAMAGED += (tokenize.TokenError, zipfile.BadZipFile, MemoryError)
"""What NumPy raises when the head of a file is no head."""


class ArrayHeader(NamedTuple):
    """What the head of an NPY file says."""

    shape: tuple[int, ...]
    dtype: np.dtype
    bytes: int
    start: int


def read_header(file: io.BufferedIOBase, name: str, *, largest: int = LARGEST) -> ArrayHeader:
    """Return shape, type and size of the NPY array in `file`; objects and huge arrays are refused."""
    try:
        version = np.lib.format.read_magic(file)
        reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in reader:
            raise ValueError(f"version {version} is not known")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, _, dtype = reader[version](file, max_header_size=10_000)
    except DAMAGED as error:
        reason = (str(error).splitlines() or ["its head cannot be read"])[0].rstrip(".")
        raise BadInput(f"{name} is not a whole NumPy array: {reason}.") from None
    if dtype.hasobject:
        raise BadInput(f"{name} holds Python objects, which are never read; save it as numbers or text.")
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size > largest:
        raise BadInput(f"{name} says that its shape is {shape}, more than {LARGEST >> 30} GiB; use Stream.")
    return ArrayHeader(shape, dtype, size, file.tell())


def read_npy(path: Path) -> np.ndarray:
    """Return the array in an NPY file of exactly the length that its head says."""
    with path.open("rb") as file:
        header = read_header(file, path.name)
        held = path.stat().st_size - header.start
        if held < header.bytes:
            raise BadInput(
                f"{path.name} is cut short: {held} bytes of data where its head promises {header.bytes}."
            )
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays in an NPZ archive by name."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            check_archive(members, path.name)
            return {m.filename.removesuffix(".npy"): _member(archive, m, path.name) for m in members}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise BadInput(f"{path.name} is not a whole NPZ archive: {error}.") from None


def check_archive(members: list[zipfile.ZipInfo], name: str) -> None:
    """Raise for a ZIP archive with too many members, or members that unpack to far too much."""
    if len(members) > MOST_MEMBERS:
        raise BadInput(f"{name} has {len(members)} members; at most {MOST_MEMBERS} are read.")
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if total > LARGEST or total > SLACK + MOST_RATIO * packed:
        raise BadInput(f"{name} would unpack from {packed} to {total} bytes, which is refused.")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> np.ndarray:
    where = f"{member.filename!r} in {name}"
    with archive.open(member) as file:
        head = io.BytesIO(file.read(12_000))
    header = read_header(head, where)
    if header.bytes + header.start != member.file_size:
        raise BadInput(
            f"{where} holds {member.file_size - header.start} bytes where its head promises {header.bytes}."
        )
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def frame_from_arrays(arrays: Mapping[str, np.ndarray], name: str, part: str | None = None) -> pl.DataFrame:
    """Return named arrays `[N]`, `[N, D]` or structured `[N]` as the columns of one table.

    A matrix `x: [N, D]` gives columns `x_1 … x_D`.  `part` picks one array.
    """
    if part is not None:
        if part not in arrays:
            raise BadInput(f"{name} has no part {part!r}; {suggestion(part, arrays, 'parts')}")
        arrays = {part: arrays[part]}
    if not arrays:
        raise BadInput(f"{name} holds no arrays; it should hold columns of equal length.")
    columns: dict[str, np.ndarray] = {}
    for key, array in arrays.items():
        for column, values in _columns(key, np.asarray(array), name, len(arrays) == 1):
            columns[column] = values
    lengths = {key: len(values) for key, values in columns.items()}
    if len(set(lengths.values())) > 1:
        first, other = (
            next(iter(lengths)),
            next(k for k, n in lengths.items() if n != next(iter(lengths.values()))),
        )
        raise BadInput(
            f"{name} holds arrays of different lengths ({first!r} has {lengths[first]} rows, {other!r} has "
            f"{lengths[other]}); name one as the part, of {listing(arrays)}."
        )
    return pl.DataFrame({key: _series(key, values) for key, values in columns.items()})


def _columns(key: str, array: np.ndarray, name: str, alone: bool) -> list[tuple[str, np.ndarray]]:
    if array.dtype.hasobject:
        raise BadInput(f"{key!r} in {name} holds Python objects; numbers or text are needed.")
    if array.dtype.names:
        return [pair for field in array.dtype.names for pair in _columns(field, array[field], name, False)]
    if np.issubdtype(array.dtype, np.complexfloating):
        raise BadInput(f"{key!r} in {name} is complex; give its real and imaginary parts as columns.")
    if array.ndim == 1:
        return [(key, array)]
    if array.ndim == 2:
        prefix = "column" if alone and key in ("array", "arr_0") else key
        return [(f"{prefix}_{i + 1}", array[:, i]) for i in range(array.shape[1])]
    raise BadInput(f"{key!r} in {name} has shape {array.shape}; a table needs [rows] or [rows, columns].")


def _series(key: str, values: np.ndarray) -> pl.Series:
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        return pl.Series(key, values.tolist(), dtype=pl.String)
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    return pl.Series(key, np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))))
