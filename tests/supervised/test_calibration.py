import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ansatz.core import BadInput
from ansatz.supervised import calibration


@settings(deadline=None)
@given(st.floats(0.3, 6.0), st.integers(51, 98))
def test_temperature_of_a_constant_classifier_is_its_gap_over_the_log_odds(gap, right):
    logits = np.tile([[gap, 0.0]], (100, 1))
    y = (np.arange(100) >= right).astype(int)
    expected = np.clip(gap / np.log(right / (100 - right)), calibration.COLDEST, calibration.HOTTEST)
    assert np.isclose(calibration.temperature(logits, y), expected, rtol=1e-8)


def test_temperature_is_the_minimum_of_the_log_loss_and_undoes_a_known_scaling():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((20_000, 4)) * 2
    p = calibration.calibrated(z, 1.0)
    y = (rng.random((20_000, 1)) > np.cumsum(p, axis=1)).sum(1).clip(0, 3)
    found = calibration.temperature(3.0 * z, y)
    assert abs(found - 3.0) < 0.12
    by_search = minimize_scalar(
        lambda t: calibration.log_loss_at(3.0 * z, y, t), bounds=(0.5, 10), method="bounded"
    )
    assert abs(found - by_search.x) < 1e-4
    before = calibration.expected_calibration_error(calibration.calibrated(3.0 * z, 1.0), y)
    after = calibration.expected_calibration_error(calibration.calibrated(3.0 * z, found), y)
    assert after < 0.02 < before


def test_separable_logits_end_at_the_coldest_and_useless_ones_at_the_hottest():
    z = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert calibration.temperature(z, np.array([0, 1])) == calibration.COLDEST
    assert calibration.temperature(z, np.array([1, 0])) == calibration.HOTTEST


def test_reliability_by_hand():
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    curve = calibration.reliability(p, np.array([0, 1, 0, 0]), bins=10)
    np.testing.assert_allclose(curve.confidence, [0.6, 0.9])
    np.testing.assert_allclose(curve.accuracy, [0.5, 0.5])
    np.testing.assert_array_equal(curve.count, [2, 2])
    assert np.isclose(
        calibration.expected_calibration_error(p, np.array([0, 1, 0, 0]), bins=10), 0.5 * 0.1 + 0.5 * 0.4
    )


def test_bad_logits_are_refused():
    with pytest.raises(BadInput, match="shape"):
        calibration.temperature(np.zeros(3), np.zeros(3, int))
    with pytest.raises(BadInput, match="not a number"):
        calibration.temperature(np.full((1, 2), np.nan), np.zeros(1, int))


def test_a_spread_keeps_a_few_right_answers_from_being_certain():
    logits, y = np.tile([[1.0, -1.0]], (20, 1)), np.zeros(20, int)
    assert calibration.temperature(logits, y) < 0.03
    # The posterior of ln β: 20 ln σ(2β) - (ln β)² / (2 · 0.3²), by a fine grid.
    grid = np.linspace(-1, 2, 30001)
    posterior = -20 * np.log1p(np.exp(-2 * np.exp(grid))) - grid**2 / (2 * 0.09)
    assert abs(np.log(calibration.temperature(logits, y, spread=0.3)) + grid[posterior.argmax()]) < 1e-3
