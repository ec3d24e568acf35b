"""Kinds of columns, the target and its task."""

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from ansatz.core import BadInput
from ansatz.data import find_task, infer_columns, prepare
from ansatz.data.cells import DATES, find_date_format, parse_dates

N = 60


def kinds(**columns) -> dict[str, str]:
    return {column.name: column.kind for column in infer_columns(pl.DataFrame(columns))}


def test_each_kind_is_inferred():
    rng = np.random.default_rng(0)
    found = kinds(
        real=rng.normal(size=N),
        whole=np.arange(N),
        word=["u", "v"] * (N // 2),
        truth=[True, False] * (N // 2),
        day=[date(2020, 1, 1) + timedelta(i) for i in range(N)],
        moment=[datetime(2020, 1, 1, i % 24) for i in range(N)],
        clock=[time(i % 24) for i in range(N)],
        spelled=[f"2020-03-{1 + i % 28:02d}" for i in range(N)],
        one=[7] * N,
        nothing=pl.Series([None] * N, dtype=pl.Float64),
        gone=[float("nan")] * N,
        row_id=np.arange(N),
        unnamed_1=np.arange(N),
        code=[f"A{i:04d}" for i in range(N)],
        note=[f"this is a long note number {i}" for i in range(N)],
        lists=[[1, 2]] * N,
    )
    assert found == {
        "real": "numeric",
        "whole": "numeric",
        "word": "categorical",
        "truth": "boolean",
        "day": "datetime",
        "moment": "datetime",
        "clock": "numeric",
        "spelled": "datetime",
        "one": "constant",
        "nothing": "missing",
        "gone": "missing",
        "row_id": "identifier",
        "unnamed_1": "identifier",
        "code": "identifier",
        "note": "text",
        "lists": "unsupported",
    }


def test_dropped_columns_have_a_reason():
    for column in infer_columns(pl.DataFrame({"k": [1, 1], "m": [None, None], "x": [1.0, 2.0]})):
        assert bool(column.reason) == (column.kind in ("constant", "missing"))


@pytest.mark.parametrize("form", DATES)
def test_every_spelling_of_dates_is_found(form: str):
    moments = [datetime(2021, 3, 25, 13, 30), datetime(2022, 12, 30, 0, 0)]
    words = pl.Series("t", [m.strftime(form.replace("%.f", ".250000")) for m in moments])
    found = find_date_format(words)
    assert found is not None
    whole = "%H" in form
    assert [m.date() for m in parse_dates(words, found).to_list()] == [m.date() for m in moments]
    assert not whole or parse_dates(words, found)[0].hour == 13


def test_numbers_and_words_are_no_dates():
    assert find_date_format(pl.Series(["12", "13"])) is None
    assert find_date_format(pl.Series(["1-2-3000x", "a"])) is None
    assert find_date_format(pl.Series(["2020-01-01", "2020-13-01"])) is None


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["no", "yes"] * 10, "binary"),
        (["a", "b", "c"] * 10, "multiclass"),
        ([True, False] * 10, "binary"),
        ([0, 1] * 10, "binary"),
        ([0.0, 1.0] * 10, "binary"),
        ([3, 4, 5] * 10, "multiclass"),
        (list(range(10)) * 5, "multiclass"),
        (list(range(11)) * 5, "regression"),
        (list(range(8)), "regression"),
        ([0.5, 1.5] * 10, "regression"),
        (np.linspace(0, 1, 20), "regression"),
    ],
)
def test_task_is_found_from_the_target(values, task: str):
    frame = pl.DataFrame({"x": np.arange(len(values)), "y": values})
    prepared = prepare(frame, "y")
    assert prepared.task == task and find_task(frame["y"])[0] == task
    assert task in prepared.remarks[0]


def test_rows_without_a_target_are_dropped_and_said():
    frame = pl.DataFrame({"x": [1.0, 2, 3, 4, 5], "y": [0.5, None, float("nan"), float("inf"), 2.5]})
    prepared = prepare(frame, "y")
    assert prepared.frame["x"].to_list() == [1.0, 5.0]
    assert (
        "2 rows without a value" in prepared.remarks[0] and "1 rows with an infinite" in prepared.remarks[1]
    )


def test_asked_task_and_ignored_columns():
    frame = pl.DataFrame({"x": [1.0, 2, 3, 4], "z": [1, 2, 3, 4], "y": [0, 1, 0, 1]})
    prepared = prepare(frame, "y", task="regression", ignore=["z"])
    assert prepared.task == "regression" and prepared.frame.columns == ["x", "y"]


FRAME = pl.DataFrame(
    {"x": range(50), "price": np.linspace(1, 2, 50), "k": [3] * 50, "w": [f"w{i}" for i in range(50)]}
)
WRONG = [
    ({"target": "prise"}, "did you mean 'price'"),
    ({"target": "price", "ignore": ["xx"]}, "no column 'xx'"),
    ({"target": "price", "task": "regresion"}, "did you mean 'regression'"),
    ({"target": "k"}, "one value '3' in all 50 rows"),
    ({"target": "w"}, "50 classes in 50 rows"),
    ({"target": "w", "task": "regression"}, "needs numbers"),
    ({"target": "price", "task": "binary"}, "needs 2 classes"),
    ({"target": "price", "ignore": ["x", "k", "w"]}, "no column besides"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_wrong_targets_get_a_sentence(options, words: str):
    with pytest.raises(BadInput, match=words):
        prepare(FRAME, **options)


def test_targets_that_cannot_be_predicted():
    empty = pl.DataFrame({"x": [1, 2], "y": pl.Series([None, None], dtype=pl.Float64)})
    day = pl.DataFrame({"x": [1, 2], "y": [date(2020, 1, 1), date(2020, 1, 2)]})
    for frame, words in [(empty, "no finite value"), (day, "numbers or classes")]:
        with pytest.raises(BadInput, match=words):
            prepare(frame, "y")
