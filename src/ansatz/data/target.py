"""The target of a table: a standardised number, or a class."""

import dataclasses
import math
from typing import Any

import numpy as np
import polars as pl

from ansatz.core import BadInput
from ansatz.data.encoders import fits, numbers
from ansatz.data.schema import TASKS, normalised
from ansatz.data.words import listing, remark, suggestion

Label = str | int | float | bool


@dataclasses.dataclass(frozen=True)
class TargetEncoder:
    """How the target becomes numbers, fitted on the training rows.

    Regression: v = (t(y) − center)/scale with t = identity, or t = log if `log`.  Classification:
    the place 0 … K−1 of the class in `classes`, which are in ascending order.
    """

    name: str
    task: str
    center: float = 0.0
    scale: float = 1.0
    log: bool = False
    classes: tuple[Label, ...] = ()

    @classmethod
    def fit(cls, column: pl.Series, task: str, *, log: bool = False) -> "TargetEncoder":
        """Return the encoder of the target values `[N]` of the training rows.

        Args:
            column: the target, without missing values.
            task: `regression`, `binary` or `multiclass`.
            log: take the logarithm of a positive target first (regression only).

        Raises:
            BadInput: if the training rows hold one value only, or `log` meets a value ≤ 0.

        >>> TargetEncoder.fit(pl.Series("y", ["no", "yes", "no"]), "binary").classes
        ('no', 'yes')
        """
        if task not in TASKS:
            raise BadInput(f"There is no task {task!r}; {suggestion(task, TASKS, 'tasks')}")
        name = column.name
        if task == "regression":
            t = _transformed(numbers(column), name, log)
            if not np.isfinite(t).all():
                raise BadInput(f"The target {name!r} has missing or infinite values; drop these rows first.")
            center, scale = float(t.mean()), float(t.std())
            return cls(name, task, center, scale if scale > 0 else 1.0, log)
        if log:
            raise BadInput(f"A logarithm is for regression; the target {name!r} is a class.")
        classes = tuple(_labels(column).unique().sort().to_list())
        if None in classes:
            raise BadInput(f"The target {name!r} has missing values; drop these rows first.")
        if len(classes) < 2:
            raise BadInput(
                f"The training part holds the one class {listing(classes)} of {name!r}; two are needed."
            )
        return cls(name, task, classes=classes)

    def transform(self, column: pl.Series, *, remarks: list[str] | None = None) -> np.ndarray:
        """Return `[N]` float32 (regression) or int32; −1 for a class that training did not hold."""
        if self.task == "regression":
            return ((_transformed(numbers(column), self.name, self.log) - self.center) / self.scale).astype(
                np.float32
            )
        place = {label: i for i, label in enumerate(self.classes)}
        codes = np.asarray([place.get(label, -1) for label in _labels(column).to_list()], np.int32)
        if (codes < 0).any():
            remark(
                remarks,
                f"{int((codes < 0).sum())} rows have a class of {self.name!r} that training did not see.",
            )
        return codes

    def inverse(self, values: Any) -> np.ndarray:
        """Return the target in its own units from encoded values, an array of any shape.

        For a class the values are places 0 … K−1 and the labels come back.
        """
        if self.task == "regression":
            t = np.asarray(values, float) * self.scale + self.center
            return np.exp(t) if self.log else t
        return np.asarray(self.classes)[np.asarray(values)]

    def to_json(self) -> dict[str, Any]:
        """Return the encoder as plain values that JSON can hold without loss."""
        return dataclasses.asdict(self) | {"classes": list(self.classes)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "TargetEncoder":
        """Return the encoder that `to_json` described; unknown fields raise `BadInput`."""
        known = {field.name for field in dataclasses.fields(cls)}
        if (
            not isinstance(record, dict)
            or set(record) != known
            or record["task"] not in TASKS
            or not isinstance(record["classes"], list)
        ):
            raise BadInput(f"The record of a target encoder needs the fields {listing(sorted(known))}.")
        values: dict[str, Any] = record | {"classes": tuple(record["classes"])}
        for field in dataclasses.fields(cls):
            if field.name != "classes" and not fits(values[field.name], field.type):
                raise BadInput(f"The field {field.name!r} of a target encoder is {values[field.name]!r}.")
        return cls(**values)


def _labels(column: pl.Series) -> pl.Series:
    """Return classes as words, truth values or whole numbers."""
    column = normalised(column)
    if column.dtype == pl.Float64 and (column % 1 == 0).all():
        return column.cast(pl.Int64)
    return column


def _transformed(y: np.ndarray, name: str, log: bool) -> np.ndarray:
    if not log:
        return y
    if (y <= 0).any():
        row = int(np.flatnonzero(y <= 0)[0]) + 1
        raise BadInput(f"The target {name!r} is {y[row - 1]:g} in row {row}, so it has no logarithm.")
    with np.errstate(invalid="ignore"):
        t = np.log(y)
    return t if not math.isinf(float(np.nanmax(t))) else np.where(np.isinf(t), np.nan, t)
