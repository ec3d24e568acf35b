import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.supervised import attribution
from ansatz.supervised.metrics import METRICS

RMSE, MAE = METRICS["rmse"], METRICS["mae"]


def table(n=600, names="abcdef", seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(n) for name in names}


def least_squares(columns, y):
    x = np.stack(list(columns.values()), axis=1)
    w, *_ = np.linalg.lstsq(x, y, rcond=None)
    return lambda t: np.stack(list(t.values()), axis=1) @ w


def test_importance_of_an_exact_linear_map_is_its_closed_form():
    t = table(20_000)
    y = 3 * t["a"] + t["b"]
    found = attribution.permutation_importance(
        lambda c: 3 * c["a"] + c["b"], t, y, RMSE, repeats=5, most_rows=20_000
    )
    np.testing.assert_allclose(found.mean[:2], [3 * np.sqrt(2), np.sqrt(2)], rtol=0.03)
    np.testing.assert_array_equal(found.mean[2:], 0)
    assert found.drops.shape == (6, 5) and found.names == tuple("abcdef")


def test_higher_is_better_metrics_count_a_loss_as_positive():
    t = table()
    y = (t["a"] > 0).astype(int)
    predict = lambda c: np.stack([c["a"] <= 0, c["a"] > 0], axis=1).astype(float)  # noqa: E731
    found = attribution.permutation_importance(predict, t, y, METRICS["accuracy"])
    assert 0.4 < found.mean[0] < 0.6


def test_the_null_band_holds_the_columns_that_do_not_matter_and_excludes_the_one_that_does():
    rng, outside, seen = np.random.default_rng(1), 0, 0
    for trial in range(30):
        train, held = table(80, seed=2 * trial), table(200, seed=2 * trial + 1)
        y, y_held = (c["a"] + rng.standard_normal(len(c["a"])) for c in (train, held))
        real = attribution.permutation_importance(least_squares(train, y), held, y_held, RMSE, seed=trial)
        nulls = [least_squares(train, rng.permutation(y)) for _ in range(5)]
        band = attribution.null_band(nulls, held, y_held, RMSE, seed=trial)
        assert real.mean[0] > band.any_column >= band.upper.max() * 0.5
        outside += int((real.mean[1:] > band.any_column).any())
        seen += 1
    assert outside <= 6


def test_gradient_importance_of_a_linear_map_is_weight_times_spread_and_means_over_outputs():
    x = np.random.default_rng(0).standard_normal((300, 3)) * np.array([1.0, 2.0, 3.0])
    w = jnp.array([[1.0, -2.0, 0.0], [3.0, 0.0, 0.0]], jnp.float32)
    found = attribution.gradient_importance(lambda v: w @ v, x)
    expected = np.array([2.0, 1.0, 0.0]) * x.astype(np.float32).std(0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="'a'"):
        attribution.permutation_importance(lambda c: c["a"], {"a": np.zeros(3)}, np.zeros(4), MAE)
    with pytest.raises(BadInput, match="shuffled"):
        attribution.null_band([], {"a": np.zeros(3)}, np.zeros(3), MAE)
    with pytest.raises(BadInput, match="shape"):
        attribution.gradient_importance(lambda v: v, np.zeros(3))
