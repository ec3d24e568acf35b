"""What the words in cells mean: numbers, missing values, dates."""

import polars as pl

from ansatz.data.words import listing, remark

MISSING = frozenset(
    [
        "",
        "na",
        "n/a",
        "nan",
        "null",
        "none",
        "?",
        "-",
        "--",
        ".",
        "#n/a",
        "#na",
        "#value!",
        "#div/0!",
        "missing",
    ]
)
"""Words, in small letters, that stand for a value that is not there."""

STRAY = 0.05
"""The share of words among numbers up to which they are slips of the pen, not categories."""

DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d-%b-%Y",
)
"""The spellings of dates that are known, in the order in which they are tried."""


def read_cells(
    frame: pl.DataFrame, remarks: list[str] | None = None, *, decimal_comma: bool = True
) -> pl.DataFrame:
    """Return the frame with text columns of numbers made numeric and missing words made null.

    A column in which at most 5 % of the words are no number becomes numeric, those cells become
    missing, and a remark names the first; with more of them it stays text (categories).
    """
    columns = [
        _read_column(column, remarks, decimal_comma) if column.dtype == pl.String else column
        for column in frame.get_columns()
    ]
    return pl.DataFrame(columns)


def _read_column(column: pl.Series, remarks: list[str] | None, decimal_comma: bool) -> pl.Series:
    words = column.str.strip_chars()
    words = words.set(words.str.to_lowercase().is_in(list(MISSING)), None)
    present = len(words) - words.null_count()
    if present == 0:
        return words
    spelled = _plain_numbers(words, column.name, remarks, decimal_comma)
    integers = spelled.cast(pl.Int64, strict=False)
    if integers.null_count() == words.null_count():
        return integers
    numbers = spelled.cast(pl.Float64, strict=False)
    stray = words.filter(numbers.is_null() & words.is_not_null())
    if len(stray) == 0:
        return numbers
    if len(stray) <= STRAY * present and present - len(stray) >= 10:
        row = int((numbers.is_null() & words.is_not_null()).arg_true()[0]) + 1
        remark(
            remarks,
            f"Column {column.name!r} holds numbers and {len(stray)} other word(s), the first {stray[0]!r} in "
            f"row {row}; these cells are treated as missing.",
        )
        return numbers
    return words


def _plain_numbers(words: pl.Series, name: str, remarks: list[str] | None, decimal_comma: bool) -> pl.Series:
    """Return words such as '1,5' or '1,234.5' as '1.5' and '1234.5' if a column is written so throughout."""
    if not words.str.contains(",", literal=True).any():
        return words
    grouped = words.str.contains(r"^[+-]?\d{1,3}(,\d{3})*(\.\d+)?$")
    comma = words.str.contains(r"^[+-]?\d*(,\d+)?([eE][+-]?\d+)?$")
    if decimal_comma and comma.all():
        remark(remarks, f"The numbers of column {name!r} are written with a decimal comma.")
        return words.str.replace(",", ".", literal=True)
    if grouped.all():
        remark(remarks, f"The numbers of column {name!r} have commas between thousands.")
        return words.str.replace_all(",", "", literal=True)
    return words


def find_date_format(words: pl.Series) -> str | None:
    """Return the format of `DATES` in which every word of the column is a date, or `None`."""
    present = words.drop_nulls()
    if len(present) == 0 or not present.str.contains(r"^\d{1,4}[-/.]\w{1,3}[-/.]\d{2,4}").all():
        return None
    for form in DATES:
        if parse_dates(present, form).null_count() == 0:
            return form
    return None


def parse_dates(words: pl.Series, form: str) -> pl.Series:
    """Return the words as moments, null where one is not written in `form`."""
    if "%H" in form:
        return words.str.to_datetime(form, strict=False, time_unit="us")
    return words.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def describe_words(words: pl.Series, most: int = 3) -> str:
    """Return the first few different words of a column in quotation marks."""
    return listing(words.drop_nulls().unique(maintain_order=True).head(most).to_list())
