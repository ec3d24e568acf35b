"""From a table to arrays: `TableEncoder`, fitted on the training rows and on nothing else."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from ansatz.core import BadInput
from ansatz.data.encoders import (
    Binary,
    Coded,
    Encoder,
    Moment,
    Numeric,
    OneHot,
    check_fields,
    days,
    numbers,
    words,
)
from ansatz.data.schema import Column, infer_columns
from ansatz.data.words import listing, nearest, remark, suggestion

METHODS = ("robust", "standard", "quantile")
KNOTS = 257


class Features(NamedTuple):
    """The inputs of a table: `numeric: [N, D]` float32 and `codes: [N, C]` int32 for embeddings."""

    numeric: Any
    codes: Any


@dataclasses.dataclass(frozen=True)
class TableEncoder:
    """What the training rows say about each column, and how rows become arrays.

    Fields: `encoders`, one for each column used; `dropped`, the columns that are not used and why;
    `target`, the name of the target if the table had one.
    """

    encoders: tuple[Encoder, ...]
    dropped: tuple[Column, ...] = ()
    target: str | None = None

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        *,
        target: str | None = None,
        method: str = "robust",
        onehot: int = 12,
        most: int = 512,
        remarks: list[str] | None = None,
    ) -> "TableEncoder":
        """Return the encoder of the columns of `frame`, which holds the training rows only.

        Args:
            frame: the training rows, `[N]` of them.
            target: the column that is not an input.
            method: how numbers are scaled: `robust`, `standard` or `quantile` (see `Numeric`).
            onehot: the number of words up to which a column is one-hot; with more it is coded.
            most: the number of words of a column that get a code of their own, the most frequent.
            remarks: receives a sentence about each column that is dropped or cut.

        >>> frame = pl.DataFrame({"x": [1.0, 2.0, 3.0], "c": ["u", "v", "u"], "y": [0.1, 0.2, 0.3]})
        >>> encoder = TableEncoder.fit(frame, target="y")
        >>> encoder.names
        ['x', 'c = v']
        >>> encoder.transform(frame).numeric.tolist()[1]
        [0.0, 1.0]
        """
        if method not in METHODS:
            raise BadInput(f"There is no scaling {method!r}; {suggestion(method, METHODS, 'scalings')}")
        inputs = frame.drop(target) if target in frame.columns else frame
        if inputs.height == 0:
            raise BadInput("The training part has no rows; the encoder needs some to be fitted on.")
        encoders, dropped = [], []
        for column in infer_columns(inputs):
            if column.reason:
                dropped.append(column)
                remark(remarks, f"Column {column.name!r} is not used: {column.reason}.")
                continue
            encoders.append(_fit(inputs[column.name], column, method, onehot, most, remarks))
        if not encoders:
            raise BadInput(
                f"No column can be used as an input: {'; '.join(f'{c.name!r}: {c.reason}' for c in dropped)}."
            )
        return cls(tuple(encoders), tuple(dropped), target)

    @property
    def names(self) -> list[str]:
        """The names of the `D` numeric features."""
        return [name for encoder in self.encoders if not isinstance(encoder, Coded) for name in encoder.names]

    @property
    def parents(self) -> list[str]:
        """The column from which each of the `D` numeric features comes."""
        return [e.name for e in self.encoders if not isinstance(e, Coded) for _ in e.names]

    @property
    def code_names(self) -> list[str]:
        """The columns of the `C` codes."""
        return [e.name for e in self.encoders if isinstance(e, Coded)]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of different codes in each of the `C` coded columns."""
        return tuple(e.size for e in self.encoders if isinstance(e, Coded))

    @property
    def columns(self) -> list[str]:
        """The columns that a table must have to be predicted from."""
        return [e.name for e in self.encoders]

    def transform(self, frame: pl.DataFrame, *, remarks: list[str] | None = None) -> Features:
        """Return the arrays of a table; it needs all of `columns`, others are ignored and said.

        Raises:
            BadInput: if a column is missing (with the nearest name), or holds words for numbers.
        """
        missing = [name for name in self.columns if name not in frame.columns]
        if missing:
            close = nearest(missing[0], frame.columns)
            hint = f"; is it {close!r}?" if close else f"; it has {listing(frame.columns)}."
            raise BadInput(
                f"The table has no column {listing(missing)}, which the map was trained with{hint}"
            )
        known = {*self.columns, *(c.name for c in self.dropped), self.target}
        extra = [name for name in frame.columns if name not in known]
        if extra:
            remark(remarks, f"The columns {listing(extra)} were not in the training table and are ignored.")
        numeric = [np.zeros((frame.height, 0))]
        codes = [np.zeros((frame.height, 0), np.int32)]
        for encoder in self.encoders:
            values = encoder.encode(frame[encoder.name], remarks)
            codes.append(values[:, None]) if isinstance(encoder, Coded) else numeric.append(values)
        return Features(
            np.concatenate(numeric, axis=1).astype(np.float32), np.concatenate(codes, axis=1).astype(np.int32)
        )

    def to_json(self) -> dict[str, Any]:
        """Return the encoder as plain values that JSON can hold without loss."""
        encoders = [{"kind": e.kind} | _plain(dataclasses.asdict(e)) for e in self.encoders]
        return {"encoders": encoders, "dropped": [c._asdict() for c in self.dropped], "target": self.target}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "TableEncoder":
        """Return the encoder that `to_json` described; an unknown kind or field raises `BadInput`."""
        if not isinstance(record, dict) or set(record) != {"encoders", "dropped", "target"}:
            raise BadInput("The record of a table encoder needs the fields encoders, dropped and target.")
        try:
            encoders = tuple(check_fields(e) for e in record["encoders"])
            return cls(encoders, tuple(Column(**c) for c in record["dropped"]), record["target"])
        except (TypeError, AttributeError) as error:
            raise BadInput(f"The record of a table encoder is damaged: {error}.") from None


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}


def _fit(
    column: pl.Series, kind: Column, method: str, onehot: int, most: int, remarks: list[str] | None
) -> Encoder:
    if kind.kind == "numeric":
        return fit_numeric(column, method, remarks)
    if kind.kind == "datetime":
        return _fit_moment(column, kind.form)
    return _fit_words(column, onehot, most, remarks)


def fit_numeric(column: pl.Series, method: str = "robust", remarks: list[str] | None = None) -> Numeric:
    """Return the scaling of a column of numbers `[N]`, found from its finite values."""
    x = numbers(column, remarks)
    finite = x[np.isfinite(x)]
    indicator = bool(np.isnan(x).any())
    if len(finite) == 0:
        return Numeric(column.name, "robust", 0.0, 0.0, 0.0, indicator)
    log = _log_unit(finite) if method != "quantile" else 0.0
    t = np.log1p(finite / log) if log else finite
    if method == "quantile":
        knots = np.quantile(t, np.linspace(0, 1, min(KNOTS, len(t))))
        return Numeric(column.name, method, 0.0, 1.0, 0.0, indicator, tuple(knots.tolist()))
    if method == "standard":
        unit = float(np.abs(t).max()) or 1.0
        center, spread = float((t / unit).mean()) * unit, float((t / unit).std()) * unit
        return Numeric(column.name, method, center, 1 / spread if spread else 0.0, log, indicator)
    low, center, high = (float(q) for q in np.quantile(t, [0.25, 0.5, 0.75]))
    reach = float(t.max() - t.min())
    scale = 1 / (high - low) if high > low else 2 / reach if reach > 0 else 0.0
    return Numeric(column.name, method, center, scale if np.isfinite(scale) else 0.0, log, indicator)


def _log_unit(finite: np.ndarray) -> float:
    """Return the unit of log(1 + x/unit) for values that are skewed and nowhere negative, else 0.

    Skewed means that the upper 5 % lie more than 4 times as far from the median as the lower 5 %.
    """
    if finite.min() < 0:
        return 0.0
    low, middle, high = (float(q) for q in np.quantile(finite, [0.05, 0.5, 0.95]))
    return middle if middle > 0 and high - middle > 4 * (middle - low) else 0.0


def _fit_words(
    column: pl.Series, onehot: int, most: int, remarks: list[str] | None
) -> Binary | OneHot | Coded:
    texts = words(column)
    counts = texts.value_counts(sort=False).rename({texts.name: "word"} if texts.name != "word" else {})
    counts = counts.rename({counts.columns[1]: "number"}).sort(["number", "word"], descending=[True, False])
    values = counts["word"].to_list()
    if len(values) == 2 and "missing" not in values:
        return Binary(column.name, tuple(sorted(values)))
    if len(values) <= onehot:
        return OneHot(column.name, tuple(sorted(values)))
    frequent = counts.filter(pl.col.number > 1)["word"].to_list()[:most] or values[:most]
    if len(frequent) < len(values):
        remark(
            remarks,
            f"Column {column.name!r} has {len(values)} different words; the {len(frequent)} most frequent "
            'are told apart and the rest count as "other".',
        )
    return Coded(column.name, tuple(frequent))


def _fit_moment(column: pl.Series, form: str | None) -> Moment:
    t = days(column, form)
    t = t[np.isfinite(t)]
    span = float(t.max() - t.min())
    cycles = ["year"] if span > 60 else []
    cycles += ["week"] if span > 3 else []
    cycles += ["day"] if np.any(t % 1 != 0) else []
    return Moment(column.name, form, float(t.min()), span or 1.0, tuple(cycles))
