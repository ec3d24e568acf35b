"""A column of a table in a few numbers: what is drawn of it, and kept of it, in the place of its rows."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from ansatz.core import BadInput
from ansatz.results.numbers import missing

BINS = 24
MOST_WORDS = 5


class Sketch(NamedTuple):
    """A column of `rows` values, `gaps` of them missing, `different` of the others distinct.

    Numbers: `counts` in bins of equal width between `low` and `high`, with `mean` and `spread` (the
    standard deviation); infinite values are left out.  Words: the commonest `words` with their `counts`,
    and no range.
    """

    rows: int
    gaps: int
    different: int
    counts: list[int]
    words: list[str]
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    spread: float | None = None

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers."""
        return self.low is not None


def sketch(column: Any) -> Sketch:
    """Return the sketch of a column `[N]` of numbers, dates (as years) or words.

    >>> sketch([1.0, 2.0, None, 4.0])[:3], sketch(["b", "a", "b"]).words
    ((4, 1, 3), ['b', 'a'])
    """
    values = np.asarray(column)
    if values.dtype.kind == "M":
        days = (values - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
        values = 1970 + days / 365.2425
    if values.dtype.kind in "biuf":
        gaps = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
        return _numbers(values[~gaps].astype(float), int(gaps.sum()))
    gaps = np.array([missing(value) for value in values.tolist()], bool)
    held = values[~gaps].tolist()
    if held and all(isinstance(value, Real) for value in held):
        return _numbers(np.asarray(held, float), int(gaps.sum()))
    names, counts = np.unique([str(value) for value in held], return_counts=True)
    top = np.argsort(-counts, kind="stable")[:MOST_WORDS]
    words = [str(names[at]) for at in top]
    return Sketch(len(values), int(gaps.sum()), len(names), [int(counts[at]) for at in top], words)


def _numbers(held: np.ndarray, gaps: int) -> Sketch:
    rows, finite = len(held) + gaps, held[np.isfinite(held)]
    if not len(finite):
        return Sketch(rows, gaps, 0, [0], [], 0.0, 0.0, 0.0, 0.0)
    different = int(np.unique(finite).size)
    low, high = float(finite.min()), float(finite.max())
    unit = max(abs(low), abs(high)) or 1.0
    scaled = finite / unit
    mean, spread = float(scaled.mean()) * unit, float(scaled.std()) * unit
    reach = (low / unit, high / unit) if high > low else (low / unit - 0.5, high / unit + 0.5)
    counts, _ = np.histogram(scaled, bins=int(np.clip(different, 1, BINS)), range=reach)
    return Sketch(rows, gaps, different, [int(c) for c in counts], [], low, high, mean, spread)


def sketch_from(record: Mapping[str, Any]) -> Sketch:
    """Return the sketch that a JSON object describes."""
    try:
        return Sketch(**record)
    except TypeError as error:
        raise BadInput(f"The sketch of a column is damaged: {error}.") from None
