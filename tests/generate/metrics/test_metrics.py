"""Each metric against a closed form, on samples where the answer is known, and its invariances."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.linear_model import LogisticRegression

from ansatz.core import BadInput
from ansatz.generate.metrics.card import digest, measured
from ansatz.generate.metrics.distances import frechet, frechet_limit, kernel_distance
from ansatz.generate.metrics.manifolds import manifolds
from ansatz.generate.metrics.memorisation import memorisation
from ansatz.generate.metrics.two_sample import two_sample

RANDOM = np.random.default_rng(0)


def normal(count, size=4, seed=0, **moves):
    return np.random.default_rng(seed).normal(size=(count, size)) * moves.get("scale", 1) + moves.get("by", 0)


def test_frechet_is_the_distance_of_normal_distributions():
    one, two = (
        normal(2000) @ RANDOM.normal(size=(4, 4)),
        normal(3000, seed=1) @ RANDOM.normal(size=(4, 4)) + 1,
    )
    first, second = np.cov(one.T, bias=True), np.cov(two.T, bias=True)
    cross = sqrtm(first @ second).real
    wanted = ((one.mean(0) - two.mean(0)) ** 2).sum() + np.trace(first + second - 2 * cross)
    assert frechet(one, two) == pytest.approx(wanted, rel=1e-8)
    assert frechet(two, one) == pytest.approx(wanted, rel=1e-8) and frechet(one, one) < 1e-9
    turn = np.linalg.qr(RANDOM.normal(size=(4, 4)))[0]
    assert frechet(one @ turn, two @ turn) == pytest.approx(wanted, rel=1e-8)
    shifted = normal(100_000, 2)
    assert frechet(3 * shifted + [5, 0], normal(100_000, 2, seed=1)) == pytest.approx(25 + 2 * 4, rel=0.02)


def test_the_limit_takes_the_bias_of_small_samples_out():
    data = normal(50_000, 16, seed=5)
    plain = [frechet(normal(400, 16, seed=s), data) for s in range(6)]
    limits = [frechet_limit(normal(400, 16, seed=s), data, seed=s) for s in range(6)]
    assert abs(np.mean(limits)) < 0.35 * np.mean(plain)
    with pytest.raises(BadInput, match="at least 32"):
        frechet_limit(normal(20), data[:, :4])


def test_kernel_distance_is_unbiased():
    same = [kernel_distance(normal(60, seed=s), normal(80, seed=100 + s)) for s in range(200)]
    assert abs(np.mean(same)) < 4 * np.std(same) / np.sqrt(200) and min(same) < 0
    assert kernel_distance(normal(500), normal(500, seed=1, by=1)) > 10 * np.std(same)


def test_manifolds_tell_lost_and_invented_modes():
    modes = np.array([[0, 0], [20, 0], [0, 20], [20, 20.0]])
    data = modes[RANDOM.integers(0, 4, 2000)] + RANDOM.normal(size=(2000, 2))
    lost = modes[RANDOM.integers(0, 2, 2000)] + RANDOM.normal(size=(2000, 2))
    found = manifolds(lost, data)
    assert found.precision > 0.97 and found.recall == pytest.approx(0.5, abs=0.05)
    assert found.coverage == pytest.approx(0.5, abs=0.05)
    invented = np.concatenate([data[:1000] + 0.01, data[:1000] + 500])
    found = manifolds(invented, data)
    assert found.precision == pytest.approx(0.5, abs=0.02) and found.density == pytest.approx(0.5, abs=0.1)
    whole = manifolds(modes[RANDOM.integers(0, 4, 2000)] + RANDOM.normal(size=(2000, 2)), data)
    assert whole.precision > 0.95 and whole.recall > 0.95
    assert whole.density == pytest.approx(1, abs=0.1) and whole.coverage > 0.93
    with pytest.raises(BadInput, match="5 neighbours"):
        manifolds(data[:5], data)


def test_two_sample_is_the_best_classifier():
    apart = 1.0
    found = two_sample(normal(4000, 1), normal(4000, 1, seed=1, by=apart), classifier=LogisticRegression())
    from scipy.stats import norm

    wanted = norm.cdf(apart / 2)
    assert found.interval[0] < wanted < found.interval[1] and found.p_value < 1e-6
    same = [two_sample(normal(300, 2, s), normal(300, 2, 50 + s), seed=s) for s in range(8)]
    assert sum(one.interval[0] <= 0.5 <= one.interval[1] for one in same) >= 6


def test_memorisation_grows_with_what_is_copied():
    train, held = normal(1000, 6), normal(1000, 6, seed=1)
    shares = []
    for copied in (0, 300, 1000):
        drawn = normal(1000, 6, seed=2)
        drawn[:copied] = train[:copied] + 1e-4
        found = memorisation(drawn, train, held)
        shares.append(found.nearer)
        assert found.copies == pytest.approx(copied / 1000, abs=0.01)
    assert shares == sorted(shares) and abs(shares[0] - 0.5) < 0.05 and shares[2] > 0.999
    with pytest.raises(BadInput, match="other features"):
        memorisation(train, train, held[:, :3])


def test_card_travels_with_its_floor_and_interval():
    data, other, drawn = normal(800), normal(800, seed=1), normal(800, seed=2, by=0.3)
    name = digest(np.eye(4))
    card = measured("FID", frechet, drawn, data, other, features=name, seed=3)
    assert card.value == frechet(drawn, data) and card.floor == frechet(other, data)
    assert card.interval[0] < card.value < card.interval[1] and card.ratio > 3
    assert str(card).startswith("FID 0.") and name[:8] in str(card) and "800 drawn against 800" in str(card)
    assert card == measured("FID", frechet, drawn, data, other, features=name, seed=3)


def test_interval_covers_what_other_draws_give():
    data = normal(500, 2)
    values = [frechet(normal(500, 2, seed=s, by=0.5), data) for s in range(10, 40)]
    card = measured("FID", frechet, normal(500, 2, seed=9, by=0.5), data)
    spread = card.interval[1] - card.interval[0]
    assert spread == pytest.approx(np.ptp(np.quantile(values, [0.025, 0.975])), rel=0.5)


@pytest.mark.parametrize(
    ("drawn", "match"),
    [
        (np.zeros(5), "at least 2"),
        (np.full((5, 4), np.nan), "not finite"),
        (np.zeros((5, 3)), "these differ"),
    ],
)
def test_bad_input(drawn, match):
    with pytest.raises(BadInput, match=match):
        measured("FID", frechet, drawn, normal(50))
