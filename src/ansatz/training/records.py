"""The history of a run: metrics of every step and of every validation, as columns."""

from typing import Any

import numpy as np

from ansatz.training.program import Columns


class Records:
    """Columns that grow by chunks; a metric that a stage does not have is nan there.

    Over seeds a column is `[n, seeds]` in memory and `name.0`, `name.1`, … on disk.
    """

    def __init__(self, columns: dict[str, np.ndarray] | None = None):
        self.parts: list[dict[str, np.ndarray]] = [columns] if columns else []

    def add(self, stage: int, steps: np.ndarray, columns: Columns, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Append the rows `[n, (seeds,) m]` of the given steps and return them as columns."""
        if not len(steps):
            return {}
        part = {"stage": np.full(len(steps), stage, np.int32), "step": steps.astype(np.int32)}
        part |= columns.unpack(rows)
        self.parts.append(part)
        return part

    def columns(self) -> dict[str, np.ndarray]:
        """Return everything so far as one array a column."""
        names = list(dict.fromkeys(name for part in self.parts for name in part))
        out = {}
        for name in names:
            like = next(part[name] for part in self.parts if name in part)
            pieces = [
                part[name]
                if name in part
                else np.full((len(part["step"]), *like.shape[1:]), np.nan, like.dtype)
                for part in self.parts
            ]
            out[name] = np.concatenate(pieces)
        if len(self.parts) > 1:
            self.parts = [out]
        return out


def means(part: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the mean of each metric over the steps and seeds at which it exists."""
    found = {}
    for name, values in part.items():
        if name not in ("stage", "step") and np.isfinite(values).any():
            found[name] = float(values[np.isfinite(values)].mean())
    return found


def to_disk(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Split the seeds' columns, so that each column is one-dimensional."""
    flat: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        if values.ndim == 1:
            flat[name] = values
        else:
            flat |= {f"{name}.{i}": values[:, i] for i in range(values.shape[1])}
    return flat


def from_disk(columns: dict[str, np.ndarray], seeds: int) -> dict[str, np.ndarray]:
    """Undo `to_disk`."""
    if seeds == 1:
        return columns
    out: dict[str, Any] = {}
    for name, values in columns.items():
        base, dot, last = name.rpartition(".")
        if not (dot and last.isdigit()):
            out[name] = values
        elif base not in out:
            out[base] = np.stack([columns[f"{base}.{i}"] for i in range(seeds)], axis=1)
    return out
