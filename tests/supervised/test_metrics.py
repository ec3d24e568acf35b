import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as oracle

from ansatz.core import BadInput
from ansatz.supervised import metrics
from ansatz.supervised.metrics import METRICS


def classes(rng, n, count):
    p = rng.dirichlet(np.ones(count), n)
    return rng.integers(count, size=n), p


def test_regression_metrics_equal_scikit_learn():
    rng = np.random.default_rng(0)
    for shape in ((50,), (50, 3)):
        y, guess = 100 + rng.standard_normal(shape), 100 + rng.standard_normal(shape)
        found = metrics.regression(y, guess)
        assert np.isclose(found["rmse"], np.sqrt(oracle.mean_squared_error(y, guess)))
        assert np.isclose(found["mae"], oracle.mean_absolute_error(y, guess))
        expected = 1 - np.square(y - guess).sum() / np.square(y - y.mean(0)).sum()
        assert np.isclose(found["r2"], expected)
    assert metrics.regression(np.ones(5), np.ones(5))["r2"] == 1.0
    assert metrics.regression(np.full(5, 0.1), np.zeros(5))["r2"] == 0.0


@pytest.mark.parametrize("count", [2, 4])
def test_classification_metrics_equal_scikit_learn(count):
    y, p = classes(np.random.default_rng(1), 80, count)
    found = metrics.classification(y, p)
    assert np.isclose(found["accuracy"], oracle.accuracy_score(y, p.argmax(1)))
    assert np.isclose(found["log_loss"], oracle.log_loss(y, p))
    one_hot = np.eye(count)[y]
    assert np.isclose(found["brier"], np.square(p - one_hot).sum(1).mean() / (2 if count == 2 else 1))
    assert ("auc" in found) == (count == 2)
    if count == 2:
        assert np.isclose(found["auc"], oracle.roc_auc_score(y, p[:, 1]))


def test_a_sure_and_wrong_prediction_has_a_finite_log_loss():
    assert np.isclose(METRICS["log_loss"]([1], [[1.0, 0.0]]), -np.log(metrics.SMALLEST))


@pytest.mark.parametrize("count", [12, 200])
def test_bootstrap_interval_of_a_mean_covers_at_its_level(count):
    rng, hits, trials = np.random.default_rng(2), 0, 600
    for trial in range(trials):
        error = np.abs(rng.standard_normal(count))
        interval = metrics.bootstrap(
            METRICS["mae"], np.zeros(count), error, level=0.9, repeats=400, seed=trial
        )
        hits += interval.lower <= np.sqrt(2 / np.pi) <= interval.upper
    low, high = stats.binom(trials, 0.9).ppf([1e-4, 1 - 1e-4]) / trials
    assert low - (0.03 if count < 50 else 0.0) <= hits / trials <= high


def test_the_normal_limit_agrees_with_resampling():
    rng = np.random.default_rng(3)
    y = rng.standard_normal(4_900)
    guess = y + 0.5 * rng.standard_normal(4_900)
    for name in ("rmse", "mae", "r2"):
        exact = metrics.bootstrap(METRICS[name], y, guess)
        double = metrics.bootstrap(METRICS[name], np.tile(y, 2), np.tile(guess, 2))
        ratio = (exact.upper - exact.lower) / (double.upper - double.lower)
        assert abs(ratio - np.sqrt(2)) < 0.12
        assert np.isclose(exact.value, double.value)


def test_pairing_narrows_the_interval_of_a_difference_and_centers_it():
    rng = np.random.default_rng(4)
    hard = np.abs(rng.standard_normal(300)) * 5
    y, first, second = np.zeros(300), hard, hard + 0.1
    paired = metrics.paired_bootstrap(METRICS["mae"], y, first, second)
    alone = metrics.bootstrap(METRICS["mae"], y, first)
    assert np.isclose(paired.value, -0.1) and paired.upper < 0
    assert paired.upper - paired.lower < 1e-6 < alone.upper - alone.lower


def test_same_seed_same_interval_and_another_seed_another():
    rng = np.random.default_rng(5)
    y, guess = rng.standard_normal(40), rng.standard_normal(40)
    first, again, other = (metrics.bootstrap(METRICS["rmse"], y, guess, seed=s) for s in (0, 0, 1))
    assert first == again != other


def test_gain_is_positive_where_the_metric_improved():
    assert METRICS["rmse"].gain(0.1, 0.3) > 0 > METRICS["accuracy"].gain(0.1, 0.3)


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="no examples"):
        metrics.regression([], [])
    with pytest.raises(BadInput, match="outside 0…1"):
        metrics.classification([2], [[0.5, 0.5]])
    with pytest.raises(BadInput, match="one prediction for each"):
        metrics.regression([1.0], [1.0, 2.0])
    with pytest.raises(BadInput, match="probability"):
        metrics.bootstrap(METRICS["mae"], [1.0], [1.0], level=95.0)


@pytest.mark.parametrize("right", [True, False])
def test_an_accuracy_of_all_or_nothing_is_not_certain(right):
    sure = np.eye(2)[np.full(180, 0 if right else 1)]
    found = metrics.bootstrap(METRICS["accuracy"], np.zeros(180, int), sure)
    exact = stats.binomtest(180 if right else 0, 180).proportion_ci(0.95, "exact")
    np.testing.assert_allclose([found.lower, found.upper], [exact.low, exact.high], rtol=1e-12)
