"""Tables from files and from memory: one function, `read_table`."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from ansatz.core import BadInput
from ansatz.data.arrays import check_archive, frame_from_arrays, read_npy, read_npz
from ansatz.data.cells import read_cells
from ansatz.data.frames import read_frame
from ansatz.data.hdf5 import read_hdf5
from ansatz.data.limits import LARGEST
from ansatz.data.text import read_text, unique_names
from ansatz.data.words import nearest, remark, suggestion

ENDINGS: dict[str, str] = {
    ".csv": "text",
    ".tsv": "text",
    ".tab": "text",
    ".txt": "text",
    ".dat": "text",
    ".data": "text",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".npy": "npy",
    ".npz": "npz",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".hdf": "hdf5",
    ".xlsx": "xlsx",
}
"""The endings of file names that are known, and how such a file is read."""


def read_table(source: Any, *, part: str | None = None, remarks: list[str] | None = None) -> pl.DataFrame:
    """Return the table in a file or in memory.

    Files: CSV, TSV and other delimited text (also `.csv.gz`), Parquet, Arrow or Feather, NPY, NPZ,
    HDF5, XLSX.  Memory: a polars or pandas DataFrame, a dictionary of columns, an array `[N, D]`.

    Args:
        source: the path or the table.
        part: the sheet of a workbook, the group or data set of an HDF5 file, the array of an NPZ.
        remarks: a list that receives one sentence about each thing that was handled (another
            encoding, repeated names, words among numbers, …).

    Raises:
        BadInput: one sentence that says what was found, where, and what would be right.

    >>> read_table({"x": ["1", "2", "n/a"]})["x"].to_list()
    [1, 2, None]
    """
    if isinstance(source, str | Path):
        frame, decimal_comma = _read_file(Path(source), part, remarks)
        name = Path(source).name
    else:
        frame, decimal_comma, name = read_frame(source, remarks), True, "The table"
    if frame.width == 0 or frame.height == 0:
        raise BadInput(
            f"{name} has {frame.height} rows and {frame.width} columns; a table needs some of both."
        )
    return read_cells(frame, remarks, decimal_comma=decimal_comma)


def find_file(path: Path) -> Path:
    """Return the path of an existing file, or raise a sentence with the nearest name in its folder."""
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if ending(p) in ENDINGS)
        hint = f"give a file in it, such as {inside[0]!r}." if inside else "a table is a file."
        raise BadInput(f"{path} is a folder; {hint}")
    if path.is_file():
        return path
    if path.exists():
        raise BadInput(f"{path} is not an ordinary file; a table is a file on the disk.")
    if not path.parent.is_dir():
        raise BadInput(f"There is no folder {path.parent}, so {path.name} cannot be read from it.")
    known = sorted(p.name for p in path.parent.iterdir() if p.is_file())
    close = nearest(path.name, known)
    hint = f"did you mean {close!r}?" if close else "no file there has a name like it."
    raise BadInput(f"There is no file {path.name!r} in {path.parent}; {hint}")


def ending(path: Path) -> str:
    """Return the ending that says how a file is read: `.csv` for `a.csv` and for `a.csv.gz`."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


def _read_file(path: Path, part: str | None, remarks: list[str] | None) -> tuple[pl.DataFrame, bool]:
    """Return the raw table, and whether a comma may be a decimal point in it."""
    path = find_file(path)
    kind = ENDINGS.get(ending(path))
    if kind is None or (kind != "text" and path.suffix.lower() == ".gz"):
        raise BadInput(
            f"{path.name} has the ending {path.suffix!r}, which is no kind of table known here; "
            f"{suggestion(ending(path), ENDINGS, 'known endings')}"
        )
    try:
        if kind == "text":
            frame, delimiter = read_text(path, remarks)
            return frame, delimiter != ","
        if path.stat().st_size == 0:
            raise BadInput(f"{path.name} is empty.")
        return READERS[kind](path, part, remarks), True
    except PermissionError:
        raise BadInput(f"{path.name} may not be read by you; change its permissions.") from None
    except MemoryError:
        raise BadInput(f"{path.name} does not fit into memory; read it piece by piece with Stream.") from None


def _read_parquet(path: Path, part: str | None, remarks: list[str] | None) -> pl.DataFrame:
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, path.stat().st_size - 4))
        tail = file.read(4)
    if head != b"PAR1":
        raise BadInput(f"{path.name} is not a Parquet file: its first four bytes are not PAR1.")
    if tail != b"PAR1":
        raise BadInput(f"{path.name} is cut short: a Parquet file ends with PAR1; copy it again.")
    try:
        lazy = pl.scan_parquet(path, glob=False)
        rows, columns = lazy.select(pl.len()).collect().item(), len(lazy.collect_schema())
        if rows * max(columns, 1) > LARGEST // 4:
            raise BadInput(
                f"{path.name} has {rows} rows and {columns} columns, too many to read; use Stream."
            )
        return lazy.collect()
    except (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException) as error:
        raise BadInput(f"{path.name} is a damaged Parquet file: {_reason(error)}.") from None


def _read_arrow(path: Path, part: str | None, remarks: list[str] | None) -> pl.DataFrame:
    with path.open("rb") as file:
        head = file.read(6)
    try:
        if head == b"ARROW1":
            return pl.read_ipc(path)
        return pl.read_ipc_stream(path)
    except (pl.exceptions.PolarsError, OSError, ValueError, pl.exceptions.PanicException) as error:
        raise BadInput(f"{path.name} is a damaged Arrow file: {_reason(error)}.") from None


def _read_npy(path: Path, part: str | None, remarks: list[str] | None) -> pl.DataFrame:
    return frame_from_arrays({"array": read_npy(path)}, path.name)


def _read_npz(path: Path, part: str | None, remarks: list[str] | None) -> pl.DataFrame:
    return frame_from_arrays(read_npz(path), path.name, part)


def _read_hdf5(path: Path, part: str | None, remarks: list[str] | None) -> pl.DataFrame:
    return read_hdf5(path, part, remarks)


def _read_xlsx(path: Path, part: str | None, remarks: list[str] | None) -> pl.DataFrame:
    import fastexcel

    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive.infolist(), path.name)
        book = fastexcel.read_excel(path)
        if part is not None and part not in book.sheet_names:
            raise BadInput(
                f"{path.name} has no sheet {part!r}; {suggestion(part, book.sheet_names, 'sheets')}"
            )
        if part is None and len(book.sheet_names) > 1:
            remark(remarks, f"The first sheet {book.sheet_names[0]!r} of {path.name} was read.")
        sheet = book.load_sheet(part or 0, header_row=None).to_polars()
    except (zipfile.BadZipFile, fastexcel.FastExcelError) as error:
        raise BadInput(f"{path.name} is not a whole XLSX file: {_reason(error)}.") from None
    return _sheet_with_header(sheet, path.name, remarks)


def _sheet_with_header(sheet: pl.DataFrame, name: str, remarks: list[str] | None) -> pl.DataFrame:
    """Take the first row of a sheet of cells for the names of its columns."""
    if sheet.height < 2:
        raise BadInput(
            f"The sheet of {name} has {sheet.height} rows; it needs column names and values under them."
        )
    text = sheet.cast(pl.String)
    names = unique_names([str(word or "").strip() for word in text.row(0)], name, remarks)
    body = text[1:]
    return body.rename(dict(zip(body.columns, names, strict=True)))


def _reason(error: BaseException) -> str:
    return (str(error).splitlines() or ["unreadable"])[0].partition(": Error {")[0].rstrip(".")


READERS: dict[str, Callable[[Path, str | None, list[str] | None], pl.DataFrame]] = {
    "parquet": _read_parquet,
    "arrow": _read_arrow,
    "npy": _read_npy,
    "npz": _read_npz,
    "hdf5": _read_hdf5,
    "xlsx": _read_xlsx,
}
