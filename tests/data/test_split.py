"""Parts and folds are disjoint, cover all rows, and keep what they promise about classes, groups, time."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.data.split import NINETY_TEN, folds, split

SHARES = st.sampled_from([(0.9, 0.1), (0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.34, 0.33, 0.33)])
QUIET = settings(deadline=None, max_examples=80, derandomize=True)


def check_cover(parts, rows: int) -> None:
    assert sorted(np.concatenate(parts).tolist()) == list(range(rows))
    assert all(len(part) for part in parts)


@QUIET
@given(rows=st.integers(3, 300), shares=SHARES, seed=st.integers(0, 9))
def test_parts_are_disjoint_cover_and_have_their_sizes(rows, shares, seed):
    parts = split(rows, shares, seed=seed)
    check_cover(parts, rows)
    assert all(abs(len(p) - f * rows) <= 1 for p, f in zip(parts, shares, strict=True)) or rows < 30
    again = split(rows, shares, seed=seed)
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))


@QUIET
@given(labels=st.lists(st.integers(0, 4), min_size=20, max_size=300), shares=SHARES, seed=st.integers(0, 9))
def test_stratified_within_one_example_of_each_class(labels, shares, seed):
    y = np.asarray(labels)
    parts = split(len(y), shares, stratify=y, seed=seed)
    check_cover(parts, len(y))
    for label in np.unique(y):
        total = (y == label).sum()
        for part, share in zip(parts, shares, strict=True):
            assert abs((y[part] == label).sum() - share * total) <= 1 + 1e-9
    for part, share in zip(parts, shares, strict=True):
        assert abs(len(part) - share * len(y)) <= 2


@QUIET
@given(groups=st.lists(st.integers(0, 12), min_size=5, max_size=200), shares=SHARES, seed=st.integers(0, 9))
def test_no_group_on_two_sides(groups, shares, seed):
    names = np.asarray([f"g{g}" for g in groups])
    if len(np.unique(names)) < len(shares):
        with pytest.raises(BadInput, match="groups cannot be split"):
            split(len(names), shares, groups=names, seed=seed)
        return
    parts = split(len(names), shares, groups=names, seed=seed)
    check_cover(parts, len(names))
    sides = [set(names[part]) for part in parts]
    assert sum(len(side) for side in sides) == len(set(names))


@QUIET
@given(moments=st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=200), shares=SHARES)
def test_time_runs_forward(moments, shares):
    t = np.asarray(moments)
    parts = split(len(t), shares, time=t)
    check_cover(parts, len(t))
    assert all(t[a].max() <= t[b].min() for a, b in itertools.pairwise(parts))


@QUIET
@given(
    labels=st.lists(st.integers(0, 3), min_size=30, max_size=200), k=st.integers(2, 6), seed=st.integers(0, 9)
)
def test_folds_of_each_kind(labels, k, seed):
    y = np.asarray(labels)
    for fold_set in (folds(len(y), k, seed=seed), folds(len(y), k, stratify=y, seed=seed)):
        assert len(fold_set) == k
        check_cover([fold.held for fold in fold_set], len(y))
        assert all(sorted([*fold.train, *fold.held]) == list(range(len(y))) for fold in fold_set)
    groups = np.arange(len(y)) // 4
    for fold in folds(len(y), k, groups=groups, seed=seed):
        assert not set(groups[fold.train]) & set(groups[fold.held])
    for fold in folds(len(y), k, time=y):
        assert y[fold.train].max() <= y[fold.held].min()


def test_ninety_ten_and_other_seeds():
    train, test = split(1000, NINETY_TEN, seed=1)
    assert (len(train), len(test)) == (900, 100)
    assert not (split(1000, NINETY_TEN, seed=2)[1] == test).all()


def test_every_row_is_tested_equally_often():
    counts = sum(np.bincount(split(20, (0.5, 0.5), seed=s)[1], minlength=20) for s in range(400))
    assert ((counts - 200) ** 2 / 100).sum() < 45


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rows": 1}, "1 rows cannot be split"),
        ({"rows": 9, "fractions": (0.9, 0.2)}, "sum 1"),
        ({"rows": 9, "fractions": (1.0,)}, "two or more"),
        ({"rows": 9, "fractions": (1.5, -0.5)}, "positive"),
        ({"rows": 9, "stratify": [1, 2]}, "stratify has the shape"),
        ({"rows": 2, "fractions": (0.5, 0.5), "groups": ["a", None]}, "missing"),
        ({"rows": 2, "fractions": (0.5, 0.5), "time": [1.0, np.nan]}, "missing"),
        ({"rows": 3, "groups": [1, 2, 3], "time": [1, 2, 3]}, "at once"),
    ],
)
def test_wrong_arguments_get_a_sentence(options, words):
    with pytest.raises(BadInput, match=words):
        split(**options)
    with pytest.raises(BadInput, match="at least 2"):
        folds(10, 1)
