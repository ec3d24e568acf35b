"""Which rows train and which test: parts and folds, plain, stratified, grouped or in order of time."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ansatz.core import BadInput

NINETY_TEN = (0.9, 0.1)
THREE_PARTS = (0.8, 0.1, 0.1)


class Fold(NamedTuple):
    """One fold: the rows that train, and those that are held out."""

    train: np.ndarray
    held: np.ndarray


def split(
    rows: int,
    fractions: Sequence[float] = THREE_PARTS,
    *,
    stratify: Any = None,
    groups: Any = None,
    time: Any = None,
    seed: int = 0,
) -> tuple[np.ndarray, ...]:
    """Return one array of row numbers for each fraction: disjoint, together all rows, none empty.

    Args:
        rows: the number of rows N.
        fractions: the shares of the parts, positive, of sum 1: (train, validation, test) by default.
        stratify: `[N]` classes; each part gets its share of each class, to within one row.
        groups: `[N]` names; all rows of one name fall into the same part.
        time: `[N]` moments; the parts follow one another in time (ties keep the order of the rows).
        seed: the same seed gives the same parts.

    Raises:
        BadInput: if there are fewer rows (or groups) than parts, or an argument has another length.

    >>> [len(part) for part in split(100)]
    [80, 10, 10]
    """
    shares = np.asarray(fractions, float)
    if shares.ndim != 1 or len(shares) < 2 or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise BadInput(f"The fractions {tuple(fractions)} should be two or more positive numbers of sum 1.")
    labels = _labels(rows, stratify=stratify, groups=groups, time=time)
    if rows < len(shares):
        raise BadInput(f"{rows} rows cannot be split into {len(shares)} parts; every part needs a row.")
    generator = np.random.default_rng(seed)
    if time is not None:
        order = np.argsort(labels, kind="stable")
        return tuple(np.split(order, np.cumsum(quotas(rows, shares))[:-1]))
    if groups is not None:
        part = _group_parts(labels, shares, generator)
    elif stratify is not None:
        part = _stratified_parts(labels, shares, generator)
    else:
        part = np.repeat(np.arange(len(shares)), quotas(rows, shares))[np.argsort(generator.random(rows))]
    return tuple(np.flatnonzero(part == i) for i in range(len(shares)))


def folds(
    rows: int, k: int = 5, *, stratify: Any = None, groups: Any = None, time: Any = None, seed: int = 0
) -> tuple[Fold, ...]:
    """Return `k` folds; each row is held out once, unless they follow one another in time.

    With `time` the rows are cut into k + 1 blocks in order: fold i trains on the blocks up to i and
    holds out the next, so that no training row is later than a held one.

    Args:
        rows: the number of rows N.
        k: the number of folds, at least 2.
        stratify: `[N]` classes, spread evenly to within one row.
        groups: `[N]` names, each whole in one fold.
        time: `[N]` moments.
        seed: the same seed gives the same folds.

    >>> [fold.held.tolist() for fold in folds(3, 2, time=[30, 10, 20])]
    [[2], [0]]
    """
    if k < 2:
        raise BadInput(f"{k} folds are not enough; cross-validation needs at least 2.")
    if time is not None:
        blocks = split(rows, [1 / (k + 1)] * (k + 1), stratify=stratify, groups=groups, time=time)
        return tuple(Fold(np.concatenate(blocks[: i + 1]), blocks[i + 1]) for i in range(k))
    held = split(rows, [1 / k] * k, stratify=stratify, groups=groups, seed=seed)
    every = np.arange(rows)
    return tuple(Fold(np.setdiff1d(every, part, assume_unique=True), part) for part in held)


def quotas(rows: int, shares: np.ndarray) -> np.ndarray:
    """Return whole numbers of sum `rows` nearest to `rows·shares` (largest remainder), none of them 0.

    >>> quotas(10, np.array([0.8, 0.1, 0.1])).tolist()
    [8, 1, 1]
    """
    exact = rows * shares
    counts = np.floor(exact + 1e-9).astype(int)
    remainders = exact - counts
    counts[np.argsort(-remainders, kind="stable")[: rows - counts.sum()]] += 1
    while rows >= len(shares) and (counts == 0).any():
        counts[np.argmax(counts)] -= 1
        counts[np.argmin(counts)] += 1
    return counts


def _labels(rows: int, **given: Any) -> np.ndarray:
    """Return the one argument that was given as whole numbers `[N]` in its own order."""
    chosen = {name: values for name, values in given.items() if values is not None}
    if len(chosen) > 1:
        raise BadInput(
            f"A split is by one of stratify, groups and time, not by {' and '.join(chosen)} at once."
        )
    if not chosen:
        return np.zeros(rows, int)
    name, values = next(iter(chosen.items()))
    array = np.asarray(values)
    if array.shape != (rows,):
        raise BadInput(
            f"{name} has the shape {array.shape} where one value for each of the {rows} rows is needed."
        )
    if array.dtype == object:
        if any(value is None for value in array):
            raise BadInput(f"{name} has missing values; give a value for each row.")
        array = array.astype(str)
    if array.dtype.kind in "fM" and (np.isnat(array) if array.dtype.kind == "M" else np.isnan(array)).any():
        raise BadInput(f"{name} has missing values; give a value for each row.")
    return np.unique(array, return_inverse=True)[1]


def _stratified_parts(labels: np.ndarray, shares: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Deal each class out by its quotas; odd rows go where the parts so far are shortest."""
    part = np.empty(len(labels), int)
    owed = np.zeros(len(shares))
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        exact = len(members) * shares
        counts = np.floor(exact + 1e-9).astype(int)
        owed += exact - counts
        extra = np.argsort(-owed, kind="stable")[: len(members) - counts.sum()]
        counts[extra] += 1
        owed[extra] -= 1
        part[members] = np.repeat(np.arange(len(shares)), counts)
    return _fill_empty(part, len(shares))


def _fill_empty(part: np.ndarray, parts: int) -> np.ndarray:
    """Move a row from the largest part into each empty one."""
    counts = np.bincount(part, minlength=parts)
    while (counts == 0).any():
        part[np.flatnonzero(part == counts.argmax())[0]] = counts.argmin()
        counts = np.bincount(part, minlength=parts)
    return part


def _group_parts(labels: np.ndarray, shares: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Give the groups, the largest first, each to the part that lacks most rows."""
    sizes = np.bincount(labels)
    if len(sizes) < len(shares):
        raise BadInput(
            f"{len(sizes)} groups cannot be split into {len(shares)} parts; every part needs a group."
        )
    order = generator.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    lacking = shares * len(labels)
    home = np.empty(len(sizes), int)
    empty = set(range(len(shares)))
    for place, group in enumerate(order):
        choices = sorted(empty) if len(order) - place <= len(empty) else list(range(len(shares)))
        chosen = max(choices, key=lambda i: lacking[i])
        home[group] = chosen
        lacking[chosen] -= sizes[group]
        empty.discard(chosen)
    return home[labels]
