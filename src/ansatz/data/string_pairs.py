"""Two columns of a table as texts and what they become: what a translator learns from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ansatz.core import BadInput
from ansatz.data.read import ENDINGS, ending, find_file, read_table
from ansatz.data.text import read_text
from ansatz.data.words import listing, suggestion

LONGEST = 400
"""The characters of a text at most, if nothing else is asked for."""
FEWEST = 8
"""Rows with different texts in the first column."""


class StringPairs(NamedTuple):
    """N texts and what each becomes, and the names of their columns."""

    sources: list[str]
    targets: list[str]
    names: tuple[str, str]


def read_pairs(
    given: Any,
    source: str | None = None,
    target: str | None = None,
    *,
    longest: int = LONGEST,
    remarks: list[str] | None = None,
) -> StringPairs:
    """Return two columns of a table, each cell as the text that stands there, without spaces at its ends.

    Args:
        given: the path of a table, or whatever else `read_table` takes.
        source: the column of the texts; the first if not given.
        target: the column of what they become; the second if not given.
        longest: the characters that a cell may have.
        remarks: a list that receives a sentence about each thing that was handled.

    Raises:
        BadInput: for a table without a second column, or with more than two of which none is named, an
            empty cell, a cell that is too long, or fewer than 8 different texts.

    >>> table = {"number": [f"{i}" for i in range(9)], "square": [f"{i * i}" for i in range(9)]}
    >>> read_pairs(table).targets[-2:]
    ['49', '64']
    """
    frame, name = _frame(given, remarks)
    names = _columns(frame.columns, source, target, name)
    sources, targets = (_cells(frame[column], column, name, longest) for column in names)
    if len(different := set(sources)) < FEWEST:
        raise BadInput(
            f"{name} has {len(different)} different texts in column {names[0]!r}; a translator learns from "
            f"at least {FEWEST}, and well from thousands."
        )
    return StringPairs(sources, targets, names)


def _frame(given: Any, remarks: list[str] | None) -> tuple[pl.DataFrame, str]:
    if isinstance(given, str | Path):
        path = find_file(Path(given))
        if ENDINGS.get(ending(path)) == "text":
            # Cells stay as they are written: "007" is no number here, and "-" is no missing value.
            return read_text(path, remarks)[0], path.name
        return read_table(path, remarks=remarks), path.name
    return read_table(given, remarks=remarks), "The table"


def _columns(known: Sequence[str], source: str | None, target: str | None, name: str) -> tuple[str, str]:
    if len(known) < 2:
        raise BadInput(
            f"{name} has one column, {known[0]!r}; a translation needs a second one with what each text "
            "becomes."
        )
    for wanted, flag in ((source, "source"), (target, "target")):
        if wanted is not None and wanted not in known:
            raise BadInput(f"{name} has no column {wanted!r} for the {flag}; {suggestion(wanted, known)}")
    if source is None and target is None and len(known) > 2:
        raise BadInput(
            f"{name} has {len(known)} columns, {listing(known)}; say which is the source and which the "
            "target."
        )
    rest = [column for column in known if column not in (source, target)]
    found = source or rest[0], target or next(column for column in rest if source or column != rest[0])
    if found[0] == found[1]:
        raise BadInput(f"Source and target are both the column {found[0]!r} of {name}; give two columns.")
    return found


def _cells(column: pl.Series, title: str, name: str, longest: int) -> list[str]:
    words = column.cast(pl.String).str.strip_chars()
    for row, word in enumerate(words, 1):
        if not word:
            raise BadInput(
                f"Row {row} of {name} is empty in column {title!r}; every row needs a text and what it "
                "becomes."
            )
        if len(word) > longest:
            raise BadInput(
                f"Row {row} of {name} has {len(word):,} characters in column {title!r}; at most {longest} "
                "are taken: leave the row out, or allow longer texts."
            )
    return words.to_list()
