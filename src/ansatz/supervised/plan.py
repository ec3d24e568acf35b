"""Which rows train, stop, calibrate and test, and the arrays that the members of an ensemble share."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import polars as pl

from ansatz.core import BadInput, Each, Pairs
from ansatz.data import Features, Prepared, TableEncoder, TargetEncoder, folds, split
from ansatz.supervised.network import FEW, Examples, TableNetwork

FEWEST = 10
"""With fewer rows no part is large enough to be learned from, calibrated on or tested on."""
LARGE = 5000
"""Tables of so many rows have four members; from so many development rows on classes are calibrated apart,"""
SPARE = 1000
"""and numbers from so many: below, the rows on which the members stop must do for calibration too."""
SHARE, ENOUGH = 0.2, 5000
"""The share of the development rows that calibrates, and the most rows: beyond, luck is below 0.5 %."""


class Plan(NamedTuple):
    """The rows of a table by their use.

    `train[i]` and `held[i]` are the rows on which member i trains and stops; `calibration` rows are
    used for nothing else (none where the table is small: then the held rows calibrate);
    `test` rows are touched once, at the end.
    """

    train: list[np.ndarray]
    held: list[np.ndarray]
    calibration: np.ndarray
    test: np.ndarray

    @property
    def development(self) -> np.ndarray:
        """All rows but the test part."""
        return np.unique(np.concatenate([*self.train, *self.held, self.calibration]))


def make_plan(
    prepared: Prepared,
    *,
    test: float,
    members: int,
    by: str,
    column: str | None,
    seed: int,
    held_out: Any = None,
) -> Plan:
    """Return the plan for a table.

    `by` is "random" (stratified for classes), "group" or "time", with the `column` that says which;
    `held_out` gives the rows of the test part instead of drawing a share `test` of them.
    """
    rows = prepared.frame.height
    keys = _split_keys(prepared, by, column)
    if held_out is None:
        development, tested = split(rows, (1 - test, test), seed=seed, **keys)
    else:
        tested = np.asarray(held_out)
        development = np.setdiff1d(np.arange(rows), tested)
    inner = {name: values[development] for name, values in keys.items()}
    calibration = np.zeros(0, int)
    if len(development) >= (SPARE if prepared.task == "regression" else LARGE):
        share = min(SHARE, ENOUGH / len(development))
        rest, spare = split(len(development), (1 - share, share), seed=seed + 1, **inner)
        calibration, development = development[spare], development[rest]
        inner = {name: values[development] for name, values in keys.items()}
    if by == "time":
        early, late = split(len(development), (0.85, 0.15), **inner)
        return Plan([development[early]] * members, [development[late]] * members, calibration, tested)
    parts = folds(len(development), max(members, 5 if members == 1 else 2), seed=seed, **inner)[:members]
    return _of_equal_length(development, parts, calibration, tested, seed)


def _split_keys(prepared: Prepared, by: str, column: str | None) -> dict[str, Any]:
    if by in ("group", "time"):
        if column is None or column not in prepared.frame.columns:
            raise BadInput(f"A split by {by} needs the column that says it; {column!r} is not in the table.")
        values = prepared.frame[column]
        if by == "time" and values.dtype == pl.String:
            raise BadInput(f"The column {column!r} is text; a split by time needs numbers or dates.")
        return {"groups" if by == "group" else "time": values.to_numpy()}
    if prepared.task == "regression":
        return {}
    return {"stratify": prepared.frame[prepared.target].cast(pl.String).to_numpy()}


def _of_equal_length(development: np.ndarray, parts: Any, calibration: Any, test: Any, seed: int) -> Plan:
    """Cut the members' parts to one length, so that they train as one batch of arrays."""
    random = np.random.default_rng([seed, 7])
    length = min(len(part.train) for part in parts)
    held = min(len(part.held) for part in parts)
    train = [np.sort(random.permutation(part.train)[:length]) for part in parts]
    return Plan(
        [development[t] for t in train],
        [development[random.permutation(part.held)[:held]] for part in parts],
        calibration,
        test,
    )


def bin_edges(numeric: np.ndarray, bins: int) -> list[np.ndarray]:
    """Return the distinct quantiles of each column `[N, D]` at `bins + 1` equal steps."""
    steps = np.linspace(0, 1, bins + 1)
    return [np.unique(np.quantile(column, steps)).astype(np.float32) for column in numeric.T]


def members(
    plan: Plan, recipe: TableNetwork, encoder: TableEncoder, target: TargetEncoder, x: Features, y: np.ndarray
) -> Each:
    """Return the examples of every member: shared arrays, rows of their own."""
    pairs = Pairs(Features(jnp.asarray(x.numeric), jnp.asarray(x.codes)), jnp.asarray(y))
    edges = bin_edges(x.numeric[plan.development], recipe.bins) if recipe.bins else None
    outputs = (3 if recipe.quantiles else 1) if target.task == "regression" else 1
    outputs = len(target.classes) if target.task == "multiclass" else outputs
    mixed = mixes(plan, recipe)
    return Each(
        Examples(pairs, train, held, target.task, outputs, encoder.sizes, edges, mixed and i % 2 == 1)
        for i, (train, held) in enumerate(zip(plan.train, plan.held, strict=True))
    )


def mixes(plan: Plan, recipe: TableNetwork) -> bool:
    """Tell whether every other member sees the numbers alone: in ensembles for small tables."""
    small = len(plan.train[0]) < FEW and not len(plan.calibration) and len(plan.train) > 3
    return recipe.mixed and recipe.map == "network" and recipe.bins > 0 and small
