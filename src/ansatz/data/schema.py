"""What a table is: the kinds of its columns, its target and the task that the target asks for."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from ansatz.core import BadInput
from ansatz.data.cells import describe_words, find_date_format
from ansatz.data.words import remark, suggestion

TASKS = ("regression", "binary", "multiclass")
KINDS = ("numeric", "boolean", "categorical", "datetime")
DROPPED = ("constant", "identifier", "text", "missing", "unsupported")
MOST_CLASSES = 1000
FEW = 5
"""A class with fewer rows than this gets a remark."""
IDENTIFIER = re.compile(
    r"(?i)^(id|uuid|guid|key|index|idx|row|rownames?|unnamed.*|.*[_ .]id"
    r"|row[_ .]?(id|name|nr|no|number|index))$"
)


class Column(NamedTuple):
    """One column: its name, its kind (one of `KINDS` or `DROPPED`), and why it is dropped, if it is.

    `form` is the spelling of a date written as text.
    """

    name: str
    kind: str
    reason: str = ""
    form: str | None = None


class Prepared(NamedTuple):
    """A table whose target is known in every row, and the task: one of `TASKS`."""

    frame: pl.DataFrame
    target: str
    task: str
    remarks: list[str]


def infer_columns(frame: pl.DataFrame) -> tuple[Column, ...]:
    """Return the kind of each column, judged from the rows given.

    >>> frame = pl.DataFrame({"x": [1.5, 2, 4], "c": ["u", "v", "u"], "k": [1, 1, 1]})
    >>> [column.kind for column in infer_columns(frame)]
    ['numeric', 'categorical', 'constant']
    """
    return tuple(_infer(column) for column in frame.get_columns())


def normalised(column: pl.Series) -> pl.Series:
    """Return a column as one of Float64, Int64, Boolean, Datetime or String; others stay as they are."""
    kind = column.dtype
    if kind.is_float() or kind.is_decimal():
        return column.cast(pl.Float64).fill_nan(None)
    if kind.is_integer():
        return column.cast(pl.Int64, strict=False) if kind != pl.UInt64 else column.cast(pl.Float64)
    if kind in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if kind == pl.Duration:
        return column.dt.total_microseconds().cast(pl.Float64) / 1e6
    if kind == pl.Time:
        return column.cast(pl.Int64).cast(pl.Float64) / 1e9
    if kind == pl.Date:
        return column.cast(pl.Datetime("us"))
    if kind == pl.Datetime:
        return column.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    if kind == pl.Null:
        return column.cast(pl.Float64)
    return column


def _infer(raw: pl.Series) -> Column:
    column, name, form = normalised(raw), raw.name, None
    present = column.drop_nulls()
    if len(present) == 0:
        return Column(name, "missing", "every value is missing")
    if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.String, pl.Datetime)):
        return Column(
            name, "unsupported", f"its values are of type {raw.dtype}, which is no number, word or date"
        )
    distinct = present.n_unique()
    if distinct == 1 and column.null_count() == 0:
        return Column(name, "constant", f"it has the one value {str(present[0])[:40]!r}")
    if column.dtype == pl.Boolean:
        return Column(name, "boolean")
    if column.dtype == pl.Datetime:
        return Column(name, "datetime")
    if column.dtype == pl.String:
        form = find_date_format(present)
        return Column(name, "datetime", form=form) if form else _infer_words(name, present, distinct)
    if column.dtype == pl.Int64 and distinct == len(present) > 1 and IDENTIFIER.match(name):
        return Column(name, "identifier", "its whole numbers only number the rows")
    return Column(name, "numeric")


def _infer_words(name: str, present: pl.Series, distinct: int) -> Column:
    if distinct > 20 and distinct > 0.5 * len(present):
        words = present.str.split(" ").list.len().mean()
        if isinstance(words, float) and words > 4:
            return Column(name, "text", f"it is free text, such as {str(present[0])[:40]!r}")
        return Column(name, "identifier", f"{distinct} of its {len(present)} words are different")
    return Column(name, "categorical")


def find_task(target: pl.Series) -> tuple[str, str]:
    """Return the task that a target without missing values asks for, and a sentence that says why.

    Words and truth values are classes; so are whole numbers with at most 10 distinct values that
    occur at least five times each on average; all else is regression.

    >>> find_task(pl.Series("y", [0.5, 1.25, 3.0]))[0]
    'regression'
    """
    column = normalised(target)
    distinct = column.n_unique()
    name = f"The target {target.name!r}"
    task = "binary" if distinct == 2 else "multiclass"
    if column.dtype in (pl.String, pl.Boolean):
        return task, f"{name} has {distinct} classes: the task is {task}."
    whole = bool((column.cast(pl.Float64) % 1 == 0).all())
    if whole and distinct <= 10 and (distinct * 5 <= len(column) or distinct == 2):
        return task, (
            f"{name} has {distinct} different whole numbers: the task is {task} classification; "
            "ask for regression if they are quantities."
        )
    return "regression", f"{name} has {distinct} different numbers: the task is regression."


def prepare(
    frame: pl.DataFrame, target: str, *, task: str | None = None, ignore: Iterable[str] = ()
) -> Prepared:
    """Return the table with its target checked, rows without a target dropped, and the task.

    Args:
        frame: the table, `[N rows]`.
        target: the name of the column to be predicted.
        task: `regression`, `binary` or `multiclass`; found from the target if not given.
        ignore: names of columns that are left out.

    Raises:
        BadInput: if a name is no column, the target is constant, a date, or free text, the task does
            not fit it, or no column is left to predict from.
    """
    remarks: list[str] = []
    for name in (target, *ignore):
        if name not in frame.columns:
            raise BadInput(f"The table has no column {name!r}; {suggestion(name, frame.columns, 'columns')}")
    if task is not None and task not in TASKS:
        raise BadInput(f"There is no task {task!r}; {suggestion(task, TASKS, 'tasks')}")
    dropped = [name for name in dict.fromkeys(ignore) if name != target]
    frame = frame.drop(dropped)
    frame = _rows_with_target(frame, target, remarks)
    column = frame[target]
    if column.n_unique() < 2:
        raise BadInput(
            f"The target {target!r} has the one value {str(column[0])!r} in all {frame.height} rows; "
            "there is nothing to predict."
        )
    if frame.width < 2:
        raise BadInput(f"The table has no column besides the target {target!r} to predict from.")
    found, why = find_task(column)
    remark(remarks, why if task is None else f"The task is {task}, as asked for.")
    _check_task(column, task or found)
    if (task or found) != "regression":
        _remark_rare_classes(column, remarks)
    return Prepared(frame, target, task or found, remarks)


def _remark_rare_classes(column: pl.Series, remarks: list[str]) -> None:
    """Name the classes that have too few rows to be in every part."""
    counts = column.value_counts().filter(pl.col("count") < FEW).sort("count")
    if counts.height:
        name, rows = counts.row(0)
        more = f" and {counts.height - 1} others are rare" if counts.height > 1 else " is rare"
        sentence = f"The class {str(name)!r}, with {rows} of the rows,{more}: little can be learned of them."
        remark(remarks, sentence)


def _rows_with_target(frame: pl.DataFrame, target: str, remarks: list[str]) -> pl.DataFrame:
    column = normalised(frame[target])
    if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.String)):
        raise BadInput(f"The target {target!r} is of type {column.dtype}; numbers or classes are needed.")
    frame = frame.with_columns(column)
    if column.null_count():
        remark(remarks, f"{column.null_count()} rows without a value of the target {target!r} were dropped.")
        frame = frame.filter(column.is_not_null())
    if column.dtype == pl.Float64:
        infinite = frame[target].is_infinite()
        if infinite.any():
            remark(
                remarks,
                f"{infinite.sum()} rows with an infinite value of the target {target!r} were dropped.",
            )
            frame = frame.filter(~infinite)
    if frame.height == 0:
        raise BadInput(f"The target {target!r} has no finite value in any row.")
    return frame


def _check_task(column: pl.Series, task: str) -> None:
    name, distinct = column.name, column.n_unique()
    if task == "regression":
        if column.dtype == pl.String:
            raise BadInput(
                f"Regression needs numbers, but the target {name!r} holds {describe_words(column)}."
            )
        return
    if task == "binary" and distinct != 2:
        raise BadInput(
            f"A binary task needs 2 classes, but the target {name!r} has {distinct}; ask for multiclass."
        )
    if distinct > MOST_CLASSES or (distinct > 20 and distinct > 0.5 * len(column)):
        raise BadInput(
            f"The target {name!r} has {distinct} classes in {len(column)} rows, too many to learn; "
            "it looks like a quantity (ask for regression), an identifier or free text."
        )
