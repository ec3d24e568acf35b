"""Results side by side: the same rows for the terminal and for a report."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table as RichTable
from rich.text import Text

from ansatz.results.numbers import Interval, number
from ansatz.results.report import Table


@dataclass(frozen=True)
class Column:
    """A column of a comparison; `higher_is_better` is `None` where no entry is the best.

    `write` turns a value into text: `number`, or `duration` for seconds.
    """

    key: str
    title: str
    higher_is_better: bool | None = None
    write: Callable[[Any], str] = number


@dataclass(frozen=True)
class Entry:
    """A row of a comparison: a name, its values by column key, and whether it is one's own."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    own: bool = False


@dataclass(frozen=True)
class Comparison:
    """Entries against columns, with the best entry of each column marked.

    >>> columns = (Column("rmse", "RMSE", higher_is_better=False),)
    >>> entries = (Entry("network", {"rmse": 0.09}, own=True), Entry("mean", {"rmse": 1.2}))
    >>> Comparison(columns, entries).cells()
    [['network', '0.09000'], ['mean', '1.200']]
    """

    columns: tuple[Column, ...]
    entries: tuple[Entry, ...]
    caption: str = ""

    def header(self) -> list[str]:
        """Return the titles, that of the names first."""
        return ["", *(column.title for column in self.columns)]

    def cells(self) -> list[list[str]]:
        """Return the text of each row, the name first."""
        return [[e.name, *(_text(c, e) for c in self.columns)] for e in self.entries]

    def best(self, column: Column) -> int | None:
        """Return the row with the best value of a column, or `None` where there is none."""
        if column.higher_is_better is None:
            return None
        sign = -1.0 if column.higher_is_better else 1.0
        scores = [sign * _plain(entry.values.get(column.key)) for entry in self.entries]
        known = [(score, row) for row, score in enumerate(scores) if not math.isnan(score)]
        return min(known)[1] if len(known) > 1 else None

    def marks(self) -> set[tuple[int, int]]:
        """Return the cells `(row, column)` that hold the best value of their column."""
        best = [(self.best(column), at) for at, column in enumerate(self.columns, start=1)]
        return {(row, at) for row, at in best if row is not None}

    def terminal(self) -> RichTable:
        """Return the table for `rich.print`; the best values stand in bold."""
        table = RichTable(caption=self.caption or None, box=None, pad_edge=False, header_style="dim")
        for at, title in enumerate(self.header()):
            table.add_column(title, justify="left" if at == 0 else "right")
        marks = self.marks()
        for row, (cells, entry) in enumerate(zip(self.cells(), self.entries, strict=True)):
            styles = ["bold" if (row, at) in marks else "" for at in range(len(cells))]
            texts = [Text(cell, style) for cell, style in zip(cells, styles, strict=True)]
            table.add_row(*texts, style="cyan" if entry.own else None)
        return table

    def block(self) -> Table:
        """Return the table as a block of a report."""
        own = frozenset(row for row, entry in enumerate(self.entries) if entry.own)
        return Table(
            tuple(self.header()),
            tuple(tuple(row) for row in self.cells()),
            caption=self.caption,
            strong=frozenset(self.marks()),
            own=own,
        )


def _text(column: Column, entry: Entry) -> str:
    value = entry.values.get(column.key)
    return "–" if value is None else column.write(value)


def _plain(value: Any) -> float:
    """Return the number that a cell is ranked by, NaN where it has none."""
    if isinstance(value, Interval):
        return float(value.value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
