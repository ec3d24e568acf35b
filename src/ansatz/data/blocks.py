"""Tables on the disk that are read a block of rows at a time: NPY, CSV, Parquet, Arrow."""

import abc
import io
from pathlib import Path

import numpy as np
import polars as pl

from ansatz.core import BadInput
from ansatz.data.arrays import frame_from_arrays, read_header
from ansatz.data.cells import read_cells
from ansatz.data.read import ENDINGS, ending, find_file
from ansatz.data.text import SPOKEN, find_delimiter, unique_names
from ansatz.data.words import suggestion

CHUNK = 1 << 24


class BlockFile(abc.ABC):
    """A table of `rows` rows of which any range can be read without the rest."""

    name: str
    rows: int

    @abc.abstractmethod
    def read(self, start: int, stop: int) -> pl.DataFrame:
        """Return the rows start … stop−1."""


class NumpyFile(BlockFile):
    """A matrix `[N, D]` in an NPY file, mapped and not read; its columns are column_1 … column_D."""

    def __init__(self, path: Path):
        self.name = path.name
        with path.open("rb") as file:
            head = read_header(file, path.name, largest=1 << 62)
        if head.bytes > path.stat().st_size - head.start:
            raise BadInput(f"{path.name} is cut short: its head promises {head.bytes} bytes of data.")
        self.array = np.load(path, mmap_mode="r", allow_pickle=False)
        if self.array.ndim not in (1, 2) or len(self.array) == 0:
            raise BadInput(f"{path.name} has shape {self.array.shape}; a table needs [rows, columns].")
        self.rows = len(self.array)

    def read(self, start: int, stop: int) -> pl.DataFrame:
        """Return the rows start … stop−1."""
        return frame_from_arrays({"array": np.array(self.array[start:stop])}, self.name)


class ColumnFile(BlockFile):
    """A Parquet or Arrow file, of which a range of rows is read by its row groups."""

    def __init__(self, path: Path, kind: str):
        self.name = path.name
        try:
            self.lazy = pl.scan_parquet(path, glob=False) if kind == "parquet" else pl.scan_ipc(path)
            self.rows = int(self.lazy.select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise BadInput(
                f"{path.name} is damaged: {(str(error).splitlines() or ['unreadable'])[0]}."
            ) from None

    def read(self, start: int, stop: int) -> pl.DataFrame:
        """Return the rows start … stop−1."""
        return self.lazy.slice(start, stop - start).collect()


class TextFile(BlockFile):
    """Delimited text in UTF-8 with a line of column names; one pass notes where blocks of lines start."""

    def __init__(self, path: Path, block: int):
        self.name, self.path, self.block = path.name, path, block
        with path.open("rb") as file:
            head = file.read(100_000).decode("utf-8-sig", "replace").replace("\r\n", "\n")
        self.delimiter = find_delimiter(head)
        first = pl.read_csv(
            io.BytesIO(head.partition("\n")[0].encode() + b"\n"),
            separator=self.delimiter,
            has_header=False,
            infer_schema=False,
        )
        self.header = unique_names([str(word or "").strip() for word in first.row(0)], path.name)
        self.offsets, self.rows = line_offsets(path, block)

    def read(self, start: int, stop: int) -> pl.DataFrame:
        """Return the rows start … stop−1; `start` stands at the beginning of a block."""
        place = start // self.block
        with self.path.open("rb") as file:
            file.seek(self.offsets[place])
            content = file.read(self.offsets[-(-stop // self.block)] - self.offsets[place])
        try:
            frame = pl.read_csv(
                content,
                separator=self.delimiter,
                has_header=False,
                infer_schema=False,
                new_columns=self.header,
                encoding="utf8-lossy",
            )
        except pl.exceptions.PolarsError as error:
            reason = (str(error).splitlines() or ["unreadable"])[0].rstrip(".")
            raise BadInput(f"Rows {start + 1} to {stop} of {self.name} cannot be read: {reason}.") from None
        if frame.width != len(self.header):
            raise BadInput(
                f"Rows {start + 1} to {stop} of {self.name} have {frame.width} columns parted by "
                f"{SPOKEN[self.delimiter]} where the first line names {len(self.header)}."
            )
        return read_cells(frame, decimal_comma=self.delimiter != ",")


def line_offsets(path: Path, block: int) -> tuple[list[int], int]:
    """Return the byte at which each block of lines starts (and the end), and the number of rows.

    Line ends within quotation marks do not count; the first line, of names, is left out.
    """
    offsets, lines, place, quoted, last = [], 0, 0, False, 10
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            letters = np.frombuffer(chunk, np.uint8)
            inside = ((np.cumsum(letters == ord('"'), dtype=np.uint8) & 1) ^ np.uint8(quoted)).astype(bool)
            ends = np.flatnonzero((letters == 10) & ~inside)
            numbers = lines + 1 + np.arange(len(ends))
            starting = (numbers - 1) % block == 0
            offsets += (place + ends[starting] + 1).tolist()
            lines, place, quoted, last = (
                lines + len(ends),
                place + len(letters),
                bool(inside[-1]),
                letters[-1],
            )
    rows = lines - 1 + (1 if last != 10 else 0)
    if rows < 1:
        raise BadInput(f"{path.name} has no rows of values under a line of column names.")
    offsets = offsets[: -(-rows // block)]
    return [*offsets, place], rows


def open_blocks(path: str | Path, block: int) -> BlockFile:
    """Return the table in a file whose kind can be read block by block."""
    path = find_file(Path(path))
    kind = ENDINGS.get(ending(path), "")
    if kind == "npy":
        return NumpyFile(path)
    if kind in ("parquet", "arrow"):
        return ColumnFile(path, kind)
    if kind == "text" and path.suffix.lower() != ".gz":
        return TextFile(path, block)
    known = (".npy", ".csv", ".tsv", ".parquet", ".arrow")
    raise BadInput(
        f"{path.name} cannot be read block by block; {suggestion(ending(path), known, 'kinds that can')}"
    )
