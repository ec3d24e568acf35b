import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ansatz.core import BadInput
from ansatz.supervised import conformal
from ansatz.supervised.conformal import CrossPlus, Mondrian, PredictionSets, Split

LEVEL = 0.9


def coverage_law_p_value(shares, calibration, test):
    """The p-value of a chi-square test of measured coverages against the beta-binomial law of Vovk."""
    at = conformal.rank(calibration, LEVEL)
    law = stats.betabinom(test, at, calibration + 1 - at)
    edges = np.unique([law.ppf(q) for q in np.linspace(0.1, 0.9, 9)])
    expected = np.diff(np.concatenate([[0.0], law.cdf(edges), [1.0]])) * len(shares)
    counts = np.bincount(np.searchsorted(edges, np.round(np.asarray(shares) * test)), minlength=len(expected))
    return stats.chisquare(counts, expected).pvalue


def draw(rng, n):
    x = rng.uniform(-1, 1, n)
    sigma = 0.2 + np.abs(x)
    return x, np.sin(3 * x) + sigma * rng.standard_normal(n), sigma


KINDS = {
    "absolute": lambda x, sigma: ((np.sin(3 * x),), {}),
    "biased": lambda x, sigma: ((0.3 + x,), {}),
    "scaled": lambda x, sigma: ((np.sin(3 * x),), {"scale": sigma}),
    "quantiles": lambda x, sigma: ((np.sin(3 * x) - sigma, np.sin(3 * x) + 2.5 * sigma), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_coverage_of_split_intervals_follows_the_beta_binomial_law(kind):
    rng, calibration, test = np.random.default_rng(5), 60, 40
    shares = []
    for _ in range(1500):
        x, y, sigma = draw(rng, calibration + test)
        ends, scale = KINDS[kind](x, sigma)
        head, tail = slice(None, calibration), slice(calibration, None)
        split = Split.calibrate(
            y[head], *(e[head] for e in ends), **{k: v[head] for k, v in scale.items()}, level=LEVEL
        )
        low, high = split.interval(*(e[tail] for e in ends), **{k: v[tail] for k, v in scale.items()})
        shares.append(conformal.covered(y[tail], low, high).share)
    assert coverage_law_p_value(shares, calibration, test) > 1e-3


def test_the_law_is_sharp_enough_to_catch_a_margin_one_rank_too_low():
    rng, calibration, test = np.random.default_rng(5), 60, 40
    scores = np.abs(rng.standard_normal((1500, calibration + test)))
    at = conformal.rank(calibration, LEVEL)
    wrong = np.sort(scores[:, :calibration], axis=1)[:, at - 2]
    assert coverage_law_p_value((scores[:, calibration:] <= wrong[:, None]).mean(1), calibration, test) < 1e-6


def test_locally_scaled_intervals_are_narrower_than_constant_ones_where_the_noise_varies():
    rng = np.random.default_rng(0)
    x, y, sigma = draw(rng, 4000)
    mean = np.sin(3 * x)
    plain = conformal.covered(y, *Split.calibrate(y, mean).interval(mean))
    scaled = conformal.covered(y, *Split.calibrate(y, mean, scale=sigma).interval(mean, scale=sigma))
    assert scaled.width < 0.95 * plain.width


def test_mondrian_covers_within_each_group_where_split_does_not():
    rng = np.random.default_rng(1)
    groups = rng.integers(3, size=20_000)
    y = rng.standard_normal(20_000) * np.array([0.1, 1.0, 3.0])[groups]
    zero = np.zeros(10_000)
    head, tail = slice(None, 10_000), slice(10_000, None)
    by_group = Mondrian.calibrate(groups[head], y[head], zero).interval(groups[tail], zero)
    pooled = Split.calibrate(y[head], zero).interval(zero)
    for group in range(3):
        own = groups[tail] == group
        count = int((groups[head] == group).sum())
        low, high = conformal.coverage_band(count, int(own.sum()), LEVEL)
        assert low <= conformal.covered(y[tail][own], by_group[0][own], by_group[1][own]).share <= high
        assert not low <= conformal.covered(y[tail][own], pooled[0][own], pooled[1][own]).share <= high
    unseen = Mondrian.calibrate(groups[head], y[head], zero).interval(np.array([7]), np.zeros(1))
    assert unseen[0][0] == -math.inf and unseen[1][0] == math.inf


def least_squares_folds(x, y, fold, new):
    out, ahead = np.empty_like(y), []
    for k in range(int(fold.max()) + 1):
        w, *_ = np.linalg.lstsq(x[fold != k], y[fold != k], rcond=None)
        out[fold == k] = x[fold == k] @ w
        ahead.append(new @ w)
    return out, np.stack(ahead)


def test_cross_plus_keeps_its_coverage_on_small_data_where_training_residuals_fail():
    rng, n, d = np.random.default_rng(2), 40, 15
    hits, naive = [], []
    for _ in range(300):
        x, w = rng.standard_normal((n + 20, d)), rng.standard_normal(d)
        y = x @ w + rng.standard_normal(n + 20)
        fold = np.arange(n) % 10
        out, ahead = least_squares_folds(x[:n], y[:n], fold, x[n:])
        low, high = CrossPlus.calibrate(fold, y[:n], out, level=LEVEL).interval(ahead)
        hits.append(conformal.covered(y[n:], low, high).share)
        full, *_ = np.linalg.lstsq(x[:n], y[:n], rcond=None)
        narrow = Split.calibrate(y[:n], x[:n] @ full, level=LEVEL).interval(x[n:] @ full)
        naive.append(conformal.covered(y[n:], *narrow).share)
    assert 0.88 <= np.mean(hits) <= 0.96
    assert np.mean(naive) < 0.75


def test_cross_plus_equals_the_definition_of_jackknife_plus():
    rng = np.random.default_rng(3)
    n, m, alpha = 12, 5, 0.2
    residual, ahead = np.abs(rng.standard_normal(n)), rng.standard_normal((n, m))
    plus = CrossPlus(residual, np.arange(n), 1 - alpha)
    low, high = plus.interval(ahead)
    for j in range(m):
        below, above = np.sort(ahead[:, j] - residual), np.sort(ahead[:, j] + residual)
        assert low[j] == below[math.floor(alpha * (n + 1) + 1e-9) - 1]
        assert high[j] == above[math.ceil((1 - alpha) * (n + 1) - 1e-9) - 1]


def dirichlet_classes(rng, n, classes=5):
    p = rng.dirichlet(np.full(classes, 0.6), n)
    y = (rng.random((n, 1)) > np.cumsum(p, axis=1)).sum(1)
    return p, y


@pytest.mark.parametrize("method", ["aps", "lac"])
def test_coverage_of_randomized_sets_follows_the_beta_binomial_law(method):
    rng, calibration, test = np.random.default_rng(6), 60, 40
    shares = []
    for trial in range(1200):
        p, y = dirichlet_classes(rng, calibration + test)
        sets = PredictionSets.calibrate(y[:calibration], p[:calibration], method=method, seed=2 * trial)
        inside = sets.sets(p[calibration:], seed=2 * trial + 1)
        shares.append(conformal.covered_sets(y[calibration:], inside).share)
    assert coverage_law_p_value(shares, calibration, test) > 1e-3


def test_sets_without_randomization_cover_at_least_as_often_and_are_never_empty():
    rng = np.random.default_rng(7)
    p, y = dirichlet_classes(rng, 6000)
    sets = PredictionSets.calibrate(y[:3000], p[:3000], randomized=False).sets(p[3000:])
    assert conformal.covered_sets(y[3000:], sets).share >= 0.88
    lac = PredictionSets.calibrate(y[:3000], p[:3000], method="lac").sets(p[3000:])
    assert conformal.covered_sets(y[3000:], lac).width <= conformal.covered_sets(y[3000:], sets).width


def test_too_few_examples_for_the_level_give_the_whole_line():
    low, high = Split.calibrate([1.0] * 8, [0.0] * 8, level=0.9).interval([0.0])
    assert low[0] == -math.inf and high[0] == math.inf
    assert Split.calibrate([1.0] * 9, [0.0] * 9, level=0.9).margin == 1.0


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.05, 0.95))
def test_the_coverage_band_holds_the_level_or_all(calibration, test, level):
    low, high = conformal.coverage_band(calibration, test, level)
    assert 0.0 <= low <= high <= 1.0
    assert high >= level or test < 40


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.floats(0.05, 0.95))
def test_the_margin_covers_at_least_its_rank_of_the_scores(scores, level):
    q = conformal.margin(np.array(scores), level)
    assert (np.array(scores) <= q).sum() >= min(conformal.rank(len(scores), level), len(scores))


@pytest.mark.parametrize(
    "call",
    [
        lambda: Split.calibrate([1.0, 2.0], [1.0]),
        lambda: Split.calibrate([1.0], [1.0], level=1.0),
        lambda: Split.calibrate([1.0], [1.0], scale=[0.0]),
        lambda: Split.calibrate([1.0], [math.nan]),
        lambda: PredictionSets.calibrate([0], [[1.0]], method="raps"),
        lambda: CrossPlus.calibrate([0.5], [1.0], [1.0]),
        lambda: CrossPlus.calibrate([0, 1], [1.0, 2.0], [1.0, 1.0]).interval([[1.0]]),
        lambda: Mondrian.calibrate([0], [1.0, 1.0], [1.0, 1.0]),
    ],
)
def test_bad_input_is_refused_with_one_sentence(call):
    with pytest.raises(BadInput) as caught:
        call()
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
