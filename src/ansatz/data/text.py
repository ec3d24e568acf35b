"""Tables from delimited text: CSV, TSV, columns parted by semicolons, bars or spaces."""

import codecs
import csv
import gzip
import io
import re
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from ansatz.core import BadInput
from ansatz.data.limits import LARGEST
from ansatz.data.words import remark

DELIMITERS = ",;\t|"
SPOKEN = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
SIGNS = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a ZIP archive (XLSX or NPZ)",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"ARROW1": "an Arrow file",
    b"\x93NUMPY": "a NumPy array",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "gzip-compressed",
    b"\xd0\xcf\x11\xe0": "an old Excel file (save it as .xlsx)",
}


class Layout(NamedTuple):
    """Where the fields of a text stand: rows start at `starts: [R]`, `fields: [R]` in each."""

    delimiter: str
    starts: np.ndarray
    fields: np.ndarray
    blank: int


def read_text(path: Path, remarks: list[str] | None = None) -> tuple[pl.DataFrame, str]:
    """Return the table in a delimited text file, every column as text, and the delimiter.

    The delimiter (comma, semicolon, tab, bar, spaces) is found from the text; quotation marks
    protect fields.  Raises `BadInput` for what cannot be a table, naming the line.
    """
    text = decode(_content(path), path.name, remarks)
    return parse_text(text, path.name, remarks)


def parse_text(text: str, name: str, remarks: list[str] | None = None) -> tuple[pl.DataFrame, str]:
    """Return the table in `text` and its delimiter; `name` is used in sentences."""
    text, skipped = _without_comments(text.replace("\r\n", "\n").replace("\r", "\n"), name, remarks)
    if not text.strip():
        raise BadInput(f"{name} has no rows: it should hold a line of column names and lines of values.")
    text = text if text.endswith("\n") else text + "\n"
    delimiter = find_delimiter(text)
    if delimiter == " ":
        text = "".join("\t".join(line.split()) + "\n" for line in text.splitlines() if line.strip())
        remark(remarks, f"The columns of {name} are parted by spaces.")
        delimiter = "\t"
    elif delimiter not in ",\t":
        remark(remarks, f"The columns of {name} are parted by {SPOKEN[delimiter]}.")
    found = layout(text, delimiter, name, skipped)
    header = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    header, has_header = _header(header, found, name, remarks)
    header = _check_ragged(header, text, found, name, skipped, has_header, remarks)
    if has_header and len(found.starts) == 1:
        raise BadInput(f"{name} has a line of column names but no rows of values under it.")
    if found.blank and '"' not in text:
        text = re.sub(r"\n\n+", "\n", text.lstrip("\n"))
    return _parse(text, header, found, has_header, name), delimiter


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise BadInput(f"{path.name} is larger than {LARGEST >> 30} GiB; read it piece by piece with Stream.")
    content = path.read_bytes()
    if path.suffix.lower() == ".gz":
        try:
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(LARGEST + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise BadInput(f"{path.name} is not a whole gzip file: {error}.") from None
        if len(content) > LARGEST:
            raise BadInput(f"{path.name} unpacks to more than {LARGEST >> 30} GiB; unpack it and use Stream.")
    return content


def decode(content: bytes, name: str, remarks: list[str] | None = None) -> str:
    """Return the text of `content`: UTF-8 or UTF-16 by their marks, else Latin-1, and say so."""
    if not content:
        raise BadInput(f"{name} is empty: it should hold a line of column names and lines of values.")
    for sign, what in SIGNS.items():
        if content.startswith(sign):
            raise BadInput(f"{name} is {what}, not text; give it the ending of its kind.")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        remark(remarks, f"{name} was read as UTF-16.")
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise BadInput(f"{name} is marked as UTF-16 but is not whole: {error.reason}.") from None
    nul = content.find(b"\0")
    if nul >= 0:
        line = content.count(b"\n", 0, nul) + 1
        raise BadInput(f"{name} holds a NUL byte in line {line}, so it is damaged or not a text file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remark(remarks, f"{name} is not UTF-8 (first in line {line}) and was read as Latin-1.")
        return content.decode("latin-1")


def _without_comments(text: str, name: str, remarks: list[str] | None) -> tuple[str, int]:
    """Drop leading blank lines and lines of '#'; a '#' line shaped as the next one is the header."""
    skipped, comments = 0, 0
    while text:
        line, _, rest = text.partition("\n")
        if line.startswith("#"):
            bare, following = line.lstrip("# "), rest.partition("\n")[0]
            delimiter = find_delimiter(following + "\n")
            cut = delimiter if delimiter in following else None
            if len(bare.split(cut)) == len(following.split(cut)) > 1 and following[:1] != "#":
                text = bare + "\n" + rest
                break
            comments += 1
        elif line.strip():
            break
        skipped, text = skipped + 1, rest
    if comments:
        remark(remarks, f"{comments} leading comment line(s) of {name} were skipped.")
    return text, skipped


def find_delimiter(text: str) -> str:
    """Return the delimiter that cuts the first lines into the most even rows of two or more.

    >>> find_delimiter("a;b\\n1,5;2\\n")
    ';'
    """
    lines = [line for line in text[:100_000].split("\n")[:101] if line.strip()]
    lines = lines[:-1] if len(text) > 100_000 and len(lines) > 1 else lines
    best, best_score = ",", 0.0
    if not lines:
        return best
    for delimiter in DELIMITERS:
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        except csv.Error:
            continue
        usual = max(set(counts), key=counts.count)
        score = counts.count(usual) / len(counts) if usual > 1 and counts[0] > 1 else 0.0
        if score > best_score + 1e-9:
            best, best_score = delimiter, score
    if best_score == 0.0 and len({len(line.split()) for line in lines} - {1}) == 1 and '"' not in text[:1000]:
        values = [word for line in lines[1:] for word in line.split()]
        if values and sum(_is_number(word) for word in values) > 0.5 * len(values):
            return " "
    return best


def layout(text: str, delimiter: str, name: str, skipped: int = 0) -> Layout:
    """Return where the rows start and how many fields each has; blank lines are no rows."""
    if not text.isascii():
        text = text.encode("ascii", "replace").decode("ascii")
    letters = np.frombuffer(text.encode("ascii"), np.uint8)
    quotes = letters == ord('"')
    inside = (np.cumsum(quotes, dtype=np.uint8) & 1).astype(bool)
    if inside[-1]:
        line = text.count("\n", 0, int(np.flatnonzero(quotes)[-1])) + 1 + skipped
        raise BadInput(f"A quotation mark near line {line} of {name} is never closed.")
    ends = np.flatnonzero((letters == 10) & ~inside)
    starts = np.concatenate([[0], ends[:-1] + 1])
    marks = np.flatnonzero((letters == ord(delimiter)) & ~inside)
    fields = np.diff(np.searchsorted(marks, np.concatenate([[0], ends]))) + 1
    blank = ends == starts
    return Layout(delimiter, starts[~blank], fields[~blank], int(blank.sum()))


def _header(header: list[str], found: Layout, name: str, remarks: list[str] | None) -> tuple[list[str], bool]:
    """Return unique column names, and whether the first line held them."""
    header = [word.strip() for word in header]
    if header and all(_is_number(word) for word in header):
        remark(remarks, f"{name} has no line of column names; the columns are called column_1, column_2 …")
        return [f"column_{i + 1}" for i in range(len(header))], False
    return unique_names(header, name, remarks), True


def unique_names(names: list[str], table: str, remarks: list[str] | None = None) -> list[str]:
    """Return the names with blanks filled (`unnamed_3`) and repeats numbered (`x_2`), and say so."""
    taken, result = set(names), []
    for position, word in enumerate(names, start=1):
        new, number = word or f"unnamed_{position}", 2
        while new in result or (new != word and new in taken):
            new, number = f"{word or 'unnamed'}_{number}", number + 1
        if not word:
            remark(remarks, f"Column {position} of {table} has no name and is called {new!r}.")
        elif new != word:
            remark(
                remarks, f"{table} has more than one column {word!r}; column {position} is called {new!r}."
            )
        result.append(new)
    return result


def _check_ragged(
    header: list[str],
    text: str,
    found: Layout,
    name: str,
    skipped: int,
    has_header: bool,
    remarks: list[str] | None,
) -> list[str]:
    """Return the header that fits the rows, or raise at the first row that has another length."""
    body = found.fields[1:] if has_header else found.fields
    if has_header and len(body) and (body == len(header) + 1).all():
        remark(
            remarks, f"The rows of {name} begin with a name that the first line does not list: 'row_name'."
        )
        return ["row_name", *header]
    wrong = np.flatnonzero(body != len(header))
    if not len(wrong):
        return header
    row = int(wrong[0]) + (1 if has_header else 0)
    line = text.count("\n", 0, int(found.starts[row])) + 1 + skipped
    raise BadInput(
        f"Line {line} of {name} has {int(found.fields[row])} fields where the first line has {len(header)}, "
        f"the columns being parted by {SPOKEN[found.delimiter]}; every line should have as many."
    )


def _parse(text: str, header: list[str], found: Layout, has_header: bool, name: str) -> pl.DataFrame:
    first = text.index("\n") + 1
    plain_header = has_header and '"' not in text[:first]
    try:
        frame = pl.read_csv(
            (text[first:].lstrip("\n") if plain_header else text).encode(),
            has_header=False,
            skip_rows=int(has_header and not plain_header),
            separator=found.delimiter,
            infer_schema=False,
            new_columns=header,
        )
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise BadInput(f"{name} cannot be read as a table: {_first_line(error)}.") from None
    return frame.filter(~pl.all_horizontal(pl.all().is_null())) if found.blank else frame


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0].rstrip(".")


def _is_number(word: str) -> bool:
    try:
        float(word.strip().replace(",", ".", 1))
    except ValueError:
        return False
    return True
