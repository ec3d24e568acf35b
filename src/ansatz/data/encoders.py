"""How one column becomes numbers: a closed set of encoders, each fitted on training rows alone."""

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np
import polars as pl

from ansatz.core import BadInput
from ansatz.data.cells import describe_words, parse_dates
from ansatz.data.schema import normalised
from ansatz.data.words import remark

Floats = np.ndarray
DAY = 86_400_000_000


@dataclasses.dataclass(frozen=True)
class Numeric:
    """A number made comparable: z = g((t(x) − center)·scale), 0 where it is missing.

    `method` says which: *robust* is g(u) = u/√(1 + (u/3)²) with the median and the interquartile
    range (Holzmüller, Grinsztajn and Steinwart 2024, RealMLP); *standard* cuts u at ±100, with the
    mean and the standard deviation; *quantile* maps the empirical distribution on the normal one.
    `log` > 0 puts t(x) = log(1 + x/log) before it, for skewed values that are nowhere negative.
    """

    kind: ClassVar[str] = "numeric"
    name: str
    method: str
    center: float
    scale: float
    log: float
    indicator: bool
    knots: tuple[float, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the numeric features, one or two."""
        return [self.name, f"{self.name} missing"] if self.indicator else [self.name]

    def encode(self, column: pl.Series, remarks: list[str] | None) -> Floats:
        """Return the features `[N, 1 or 2]` of a column `[N]`."""
        x = numbers(column, remarks)
        missing = np.isnan(x)
        if missing.any() and not self.indicator:
            count = int(missing.sum())
            remark(
                remarks,
                f"Column {self.name!r} has {count} missing values here and had none in training; "
                "the middle value stands for them.",
            )
        z = self.scaled(x)
        z[missing] = 0.0
        return np.stack([z, missing.astype(float)], 1) if self.indicator else z[:, None]

    def scaled(self, x: Floats) -> Floats:
        """Return z for numbers `[N]`; missing ones stay so."""
        with np.errstate(over="ignore", invalid="ignore"):
            t = np.log1p(np.maximum(x, 0) / self.log) if self.log else x
            if self.method == "quantile":
                return _normal_scores(t, np.asarray(self.knots))
            u = (t - self.center) * self.scale if self.scale else np.where(np.isnan(t), t, 0.0)
            if self.method == "standard":
                return np.clip(u, -100.0, 100.0)
            return np.where(np.isinf(u), np.sign(u) * 3.0, u / np.hypot(1.0, u / 3))


@dataclasses.dataclass(frozen=True)
class Binary:
    """One of two words (or false and true): −1, +1, and 0 where it is missing or new."""

    kind: ClassVar[str] = "binary"
    name: str
    values: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The name of the one numeric feature."""
        return [f"{self.name} = {self.values[1]}"]

    def encode(self, column: pl.Series, remarks: list[str] | None) -> Floats:
        """Return the feature `[N, 1]` of a column `[N]`."""
        codes = lookup(column, self.values, remarks)
        return np.asarray([0.0, -1.0, 1.0])[codes][:, None]


@dataclasses.dataclass(frozen=True)
class OneHot:
    """One of few words: a 1 at the feature of its word, all 0 where the word is new."""

    kind: ClassVar[str] = "onehot"
    name: str
    values: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names of the numeric features, one a word."""
        return [f"{self.name} = {value}" for value in self.values]

    def encode(self, column: pl.Series, remarks: list[str] | None) -> Floats:
        """Return the features `[N, words]` of a column `[N]`."""
        codes = lookup(column, self.values, remarks)
        return np.eye(len(self.values) + 1)[codes][:, 1:]


@dataclasses.dataclass(frozen=True)
class Coded:
    """One of many words: a code 1 … K for an embedding, 0 for rare and for new words."""

    kind: ClassVar[str] = "coded"
    name: str
    values: tuple[str, ...]

    @property
    def size(self) -> int:
        """The number of codes, the 0 included."""
        return len(self.values) + 1

    def encode(self, column: pl.Series, remarks: list[str] | None) -> np.ndarray:
        """Return the codes `[N]` of a column `[N]`."""
        return lookup(column, self.values, remarks)


@dataclasses.dataclass(frozen=True)
class Moment:
    """A date: days since `start` over `span`, and the sine and cosine of year, week and day."""

    kind: ClassVar[str] = "moment"
    name: str
    form: str | None
    start: float
    span: float
    cycles: tuple[str, ...]

    PERIODS: ClassVar[dict[str, float]] = {"year": 365.2425, "week": 7.0, "day": 1.0}

    @property
    def names(self) -> list[str]:
        """The names of the numeric features."""
        return [f"{self.name} time"] + [
            f"{self.name} {wave} {c}" for c in self.cycles for wave in ("sin", "cos")
        ]

    def encode(self, column: pl.Series, remarks: list[str] | None) -> Floats:
        """Return the features `[N, 1 + 2·cycles]` of a column `[N]`; 0 where it is missing."""
        t = days(column, self.form)
        parts = [np.clip((t - self.start) / self.span, -3.0, 4.0)]
        for cycle in self.cycles:
            angle = 2 * np.pi * t / self.PERIODS[cycle]
            parts += [np.sin(angle), np.cos(angle)]
        return np.nan_to_num(np.stack(parts, 1), nan=0.0)


Encoder = Numeric | Binary | OneHot | Coded | Moment
ENCODERS: dict[str, type[Encoder]] = {c.kind: c for c in (Numeric, Binary, OneHot, Coded, Moment)}


def numbers(column: pl.Series, remarks: list[str] | None = None) -> Floats:
    """Return a column as float64 `[N]` with missing values as NaN; raise where it holds words."""
    column = normalised(column)
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Float64)
    if column.dtype == pl.String:
        cast = column.cast(pl.Float64, strict=False)
        wrong = (cast.is_null() & column.is_not_null()).arg_true()
        if len(wrong):
            words = describe_words(column.gather(wrong))
            raise BadInput(
                f"Column {column.name!r} holds {words} (row {wrong[0] + 1}) where numbers are needed."
            )
        column = cast.fill_nan(None)
    if not column.dtype.is_numeric():
        raise BadInput(f"Column {column.name!r} is of type {column.dtype} where numbers are needed.")
    x = column.cast(pl.Float64).to_numpy().astype(float)
    infinite = int(np.isinf(x).sum())
    if infinite:
        remark(
            remarks,
            f"Column {column.name!r} holds {infinite} infinite values; they stand at the end of its range.",
        )
    return x


def words(column: pl.Series) -> pl.Series:
    """Return a column as words, so that 1, 1.0 and "1" are one word; missing is the word "missing"."""
    column = normalised(column)
    if column.dtype == pl.Float64 and (column.drop_nulls() % 1 == 0).all() and column.is_finite().all():
        column = column.cast(pl.Int64)
    return column.cast(pl.String).str.strip_chars().fill_null("missing")


def lookup(column: pl.Series, values: tuple[str, ...], remarks: list[str] | None = None) -> np.ndarray:
    """Return the place 1 … K of each word `[N]` among `values`, 0 for one that is not there."""
    texts = words(column)
    places = pl.Series(range(1, len(values) + 1), dtype=pl.Int32)
    codes = texts.replace_strict(pl.Series(values, dtype=pl.String), places, default=0, return_dtype=pl.Int32)
    new = texts.filter((codes == 0) & (texts != "missing"))
    if len(new):
        remark(
            remarks,
            f"Column {column.name!r} has {new.n_unique()} words without a place of their own, such as "
            f"{describe_words(new)}, in {len(new)} rows.",
        )
    return codes.to_numpy()


def days(column: pl.Series, form: str | None) -> Floats:
    """Return moments as days since 1970 `[N]`, NaN where they are missing; raise where they are no dates."""
    column = normalised(column)
    if column.dtype == pl.String and form is not None:
        parsed = parse_dates(column, form)
        wrong = (parsed.is_null() & column.is_not_null()).arg_true()
        if len(wrong):
            raise BadInput(
                f"Column {column.name!r} holds {str(column[wrong[0]])!r} in row {wrong[0] + 1} where a date "
                f"written as {form} is needed."
            )
        column = parsed
    if column.dtype != pl.Datetime:
        if column.null_count() == len(column):
            return np.full(len(column), math.nan)
        raise BadInput(f"Column {column.name!r} is of type {column.dtype} where dates are needed.")
    micro = column.dt.timestamp("us").cast(pl.Float64).to_numpy()
    return micro / DAY


def _normal_scores(t: Floats, knots: Floats) -> Floats:
    """Return Φ⁻¹ of the place of `t` among the knots, which stand at even probabilities."""
    from scipy.special import ndtri

    if len(knots) < 2:
        return np.where(np.isnan(t), t, 0.0)
    p = np.linspace(0, 1, len(knots))
    place = (np.interp(t, knots, p) - np.interp(-t, -knots[::-1], p)) / 2 + 0.5
    return np.where(np.isnan(t), t, ndtri(np.clip(place, 1e-3, 1 - 1e-3)))


def check_fields(encoder: dict[str, Any]) -> Encoder:
    """Return the encoder that a JSON object describes; unknown kinds and fields are refused."""
    kind = encoder.get("kind")
    if not isinstance(kind, str) or kind not in ENCODERS:
        raise BadInput(f"There is no encoder of the kind {kind!r}; this record was not written by Ansatz.")
    known = {field.name for field in dataclasses.fields(ENCODERS[kind])}
    given = set(encoder) - {"kind"}
    if known != given:
        raise BadInput(
            f"The record of a {kind} encoder has the fields {sorted(given)} instead of {sorted(known)}."
        )
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in encoder.items()}
    del values["kind"]
    for field in dataclasses.fields(ENCODERS[kind]):
        if not fits(values[field.name], field.type):
            raise BadInput(f"The field {field.name!r} of a {kind} encoder is {values[field.name]!r}.")
    return ENCODERS[kind](**values)


def fits(value: Any, kind: Any) -> bool:
    """Tell whether a value read from JSON is of the type that a field declares."""
    if kind is float:
        return isinstance(value, float | int) and not isinstance(value, bool)
    if kind == tuple[float, ...]:
        return isinstance(value, tuple) and all(fits(v, float) for v in value)
    if kind == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(v, str) for v in value)
    return isinstance(value, kind)
