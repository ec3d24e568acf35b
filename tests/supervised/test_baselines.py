import numpy as np
import pandas as pd
import polars as pl
import pytest

from ansatz.core import BadInput
from ansatz.supervised import baselines as module
from ansatz.supervised.baselines import BaselineResult, baselines, verdict
from ansatz.supervised.design import Design
from ansatz.supervised.metrics import METRICS, bootstrap


def linear_rows(n=300, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 4))
    return x, x @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.1 * rng.standard_normal(n)


def by_name(results):
    return {result.name: result for result in results}


def test_ridge_finds_a_linear_law_and_the_mean_the_standard_deviation():
    x, y = linear_rows()
    found = by_name(baselines("regression", x[:200], y[:200], x[200:], y[200:]))
    assert list(found) == ["mean", "ridge regression", "gradient boosting", "nearest neighbors"]
    assert 0.08 < found["ridge regression"].interval.value < 0.13
    expected = np.sqrt(np.square(y[200:] - y[:200].mean()).mean())
    assert np.isclose(found["mean"].interval.value, expected)
    for result in found.values():
        assert result.interval.lower <= result.interval.value <= result.interval.upper
        assert result.predictions.shape == (100,) and result.seconds > 0 and result.remark == ""


@pytest.mark.parametrize("frame", [pl.DataFrame, pd.DataFrame])
def test_categories_and_gaps_are_used_as_they_are(frame):
    rng = np.random.default_rng(1)
    kind = rng.choice(["red", "green", "blue"], 400)
    size = rng.standard_normal(400)
    y = np.select([kind == "red", kind == "green"], [3.0, -1.0], 0.0) + 0.1 * size
    rows = [None if gap else k for k, gap in zip(kind.tolist(), rng.random(400) < 0.02, strict=True)]
    table = frame({"kind": rows, "size": np.where(rng.random(400) < 0.1, np.nan, size)})
    found = by_name(baselines("regression", table[:300], y[:300], table[300:], y[300:]))
    for name in ("ridge regression", "gradient boosting", "nearest neighbors"):
        assert found[name].interval.value < 0.45 * found["mean"].interval.value


def test_probabilities_are_rows_of_one_and_classes_missing_from_training_are_zero():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((150, 2))
    y = (x[:, 0] > 0).astype(int)
    y_test = y[100:].copy()
    y_test[0] = 2
    for result in baselines("classification", x[:100], y[:100], x[100:], y_test, metric="accuracy"):
        np.testing.assert_allclose(result.predictions.sum(1), 1.0)
        assert result.predictions.shape == (50, 3) and (result.predictions[:, 2] == 0).all()
        if result.name != "class frequencies":
            assert result.interval.value > 0.85


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_hostile_small_tables_are_survived(task):
    x = np.array([[np.nan, 1.0], [np.inf, 1.0], [np.nan, 1.0]])
    results = baselines(task, x, np.array([0, 1, 1]), x, np.array([0, 1, 0]))
    assert len(results) == 4 and all(np.isfinite(r.predictions).all() for r in results)


def test_one_class_in_training_is_predicted_for_certain():
    x = np.zeros((8, 1))
    for result in baselines("classification", x, np.zeros(8, int), x, np.zeros(8, int)):
        np.testing.assert_array_equal(result.predictions, 1.0)


def test_same_seed_same_predictions():
    x, y = linear_rows(200)
    first, again = (baselines("regression", x[:150], y[:150], x[150:], y[150:], seed=3) for _ in range(2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.predictions, two.predictions)
        assert one.interval == two.interval


def test_the_test_part_has_no_influence_on_what_is_fitted():
    x, y = linear_rows(200)
    whole = baselines("regression", x[:150], y[:150], x[150:], y[150:])
    far = x[150:].copy()
    far[1:] *= 1e6
    part = baselines("regression", x[:150], y[:150], far, y[150:])
    for one, two in zip(whole, part, strict=True):
        np.testing.assert_allclose(one.predictions[0], two.predictions[0], rtol=1e-12)


def test_the_time_guard_thins_large_tables_and_says_so():
    x, y = linear_rows(2000)
    found = by_name(baselines("regression", x[:1500], y[:1500], x[1500:], y[1500:], effort=1e-5))
    assert "of 1,500 rows (time guard)" in found["gradient boosting"].remark
    assert found["ridge regression"].interval.value < 0.15


def result(name, y, predictions):
    return BaselineResult(name, predictions, "rmse", bootstrap(METRICS["rmse"], y, predictions), 0.1)


def test_verdict_speaks_against_the_best_baseline():
    rng = np.random.default_rng(3)
    y = rng.standard_normal(400)
    noise = rng.standard_normal(400)
    poor, good = result("mean", y, 0 * y), result("ridge regression", y, y + 0.5 * noise)
    better = verdict(y, y + 0.2 * rng.standard_normal(400), [poor, good])
    assert better.outcome == "better" and better.gain.lower > 0 and better.against == "ridge regression"
    assert "earned its keep" in better.sentence and "RMSE" in better.sentence
    worse = verdict(y, y + 0.9 * rng.standard_normal(400), [poor, good])
    assert worse.outcome == "worse" and "did not earn" in worse.sentence and worse.gain.upper < 0
    same = verdict(y, y - 0.5 * noise, [poor, good])
    assert same.outcome == "no clear difference" and same.gain.lower <= 0 <= same.gain.upper


def test_results_side_by_side_mark_the_best_and_ones_own():
    y = np.arange(50.0)
    rows = [result("network", y, y + 0.1), result("mean", y, 0 * y)._replace(remark="thinned")]
    table = module.comparison(rows)
    assert table.marks() == {(0, 1)} and [entry.own for entry in table.entries] == [True, False]
    assert table.header() == ["", "RMSE [95 % interval]", "time", "remark"]
    assert table.cells()[1][2:] == ["100 ms", "thinned"]


def test_verdict_of_a_network_without_merit_is_rarely_better():
    wins = 0
    for trial in range(200):
        rng = np.random.default_rng(trial)
        y = rng.standard_normal(60)
        other = result("ridge regression", y, y + rng.standard_normal(60))
        wins += verdict(y, y + rng.standard_normal(60), [other]).outcome == "better"
    assert wins <= 14


def test_rare_categories_share_a_code_and_new_ones_join_them():
    values = np.array([[f"c{i % 400}"] for i in range(400)] + [["c0"]] * 5, dtype=object)
    matrix = Design.learn(values).matrix(np.array([["c0"], ["never seen"], [None]], dtype=object))
    assert matrix[0, 0] == 0 and matrix[1, 0] == 254 and np.isnan(matrix[2, 0])


def test_nullable_columns_of_pandas_keep_their_gaps():
    frame = pd.DataFrame(
        {"n": pd.array([1, None, 3], "Int64"), "b": pd.array([True, None, False], "boolean")}
    )
    matrix = Design.learn(frame).matrix(frame)
    np.testing.assert_array_equal(matrix, [[1, 1], [np.nan, np.nan], [3, 0]])


def test_dates_become_seconds():
    days = pl.DataFrame({"d": ["2020-01-01", "2020-01-02", None]}).with_columns(pl.col("d").str.to_date())
    matrix = Design.learn(days).matrix(days)
    assert matrix[1, 0] - matrix[0, 0] == 86_400 and np.isnan(matrix[2, 0])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: baselines("regression", np.zeros((2, 1)), [0.0], np.zeros((1, 1)), [0.0]),
            "one target a row",
        ),
        (
            lambda: baselines("classification", np.zeros((1, 1)), [0.5], np.zeros((1, 1)), [0]),
            "class numbers",
        ),
        (lambda: module.metric_of("regression", "accuracy"), "rmse, mae, r2"),
        (lambda: Design.learn(np.zeros(3)), "rows and columns"),
        (lambda: Design.learn(np.zeros((3, 2)), [True]), "mask"),
        (lambda: Design.learn(np.zeros((3, 2))).matrix(np.zeros((3, 1))), "training part had 2"),
        (lambda: verdict([0.0], [0.0], []), "no baseline"),
    ],
)
def test_bad_input_is_refused(call, says):
    with pytest.raises(BadInput, match=says):
        call()
