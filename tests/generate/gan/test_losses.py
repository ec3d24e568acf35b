"""Every loss has the best critic and the values that theory gives it, on distributions over a few points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from ansatz.core import BadInput
from ansatz.generate.gan.losses import LOSSES, loss

# Counts out of 12, so that a batch of 12 holds each point as often as it weighs.
P = np.array([6, 3, 1, 2])
Q = np.array([2, 3, 6, 1])
p, q = P / P.sum(), Q / Q.sum()


def kl(a, b):
    return float(np.sum(a * np.log(a / b)))


def jensen_shannon(a, b):
    return 0.5 * kl(a, (a + b) / 2) + 0.5 * kl(b, (a + b) / 2)


PAIRS, SWAPPED = np.outer(p, q).ravel(), np.outer(q, p).ravel()
OF_PAIRS = jensen_shannon(PAIRS, SWAPPED)
CLASSIFIER = np.log(p / q)
JS = jensen_shannon(p, q)
VARIATION = 0.5 * np.abs(p - q).sum()

# name: (D*, the critic's loss at D*, the generator's)
TRUTH = {
    "minimax": (CLASSIFIER, 2 * np.log(2) - 2 * JS, 2 * JS - 2 * np.log(2)),
    "non_saturating": (CLASSIFIER, 2 * np.log(2) - 2 * JS, np.log(2) + kl(q, p) - kl(q, (p + q) / 2)),
    "least_squares": (p / (p + q), 0.5 * np.sum(p * q / (p + q)), 0.5 * np.sum(q**3 / (p + q) ** 2)),
    "hinge": (np.sign(p - q), 2 - 2 * VARIATION, np.sum(q * np.sign(q - p))),
    "relativistic": (CLASSIFIER, np.log(2) - OF_PAIRS, np.log(2) + kl(p, q) + kl(q, p) - OF_PAIRS),
}


def players(name):
    """Return critic's and generator's loss as exact expectations, functions of D on the points."""
    both = loss(name)
    real, fake = np.repeat(np.arange(4), P), np.repeat(np.arange(4), Q)
    if name == "relativistic":
        real, fake = np.repeat(real, 12), np.tile(fake, 12)
    return (lambda d: both.critic(d[real], d[fake])), (lambda d: both.generator(d[real], d[fake]))


@pytest.mark.parametrize("name", TRUTH)
def test_best_critic_and_values_there_are_the_closed_forms(name):
    with jax.enable_x64(True):
        best, value, other = TRUTH[name]
        critic, generator = players(name)
        assert float(critic(jnp.asarray(best))) == pytest.approx(value, abs=1e-13)
        assert float(generator(jnp.asarray(best))) == pytest.approx(other, abs=1e-13)
        if name == "hinge":  # It has corners, and a test of its own.
            return
        found = optimize.minimize(
            lambda d: tuple(np.asarray(v, float) for v in jax.value_and_grad(critic)(jnp.asarray(d))),
            np.full(4, 0.1),
            jac=True,
            method="BFGS",
            options={"gtol": 1e-10},
        )
        assert found.fun == pytest.approx(value, abs=1e-8)
        if name == "relativistic":
            assert found.x - found.x[0] == pytest.approx(best - best[0], abs=1e-5)
        else:
            assert found.x == pytest.approx(best, abs=1e-5)


def test_hinge_critic_is_beaten_by_no_other():
    critic, _ = players("hinge")
    best = float(critic(jnp.asarray(TRUTH["hinge"][0])))
    for d in np.random.default_rng(0).normal(0, 2, (200, 4)):
        assert float(critic(jnp.asarray(d))) >= best - 1e-6


def test_wasserstein_critic_of_slope_one_measures_the_distance():
    # On a line the best potential goes up where the fakes have passed the data, D' = sign(F_q - F_p).
    at = np.array([0.0, 0.5, 2.0, 3.5])
    ahead = np.cumsum(q - p)[:-1]
    potential = np.concatenate([[0.0], np.cumsum(np.sign(ahead) * np.diff(at))])
    distance = float(np.sum(np.abs(ahead) * np.diff(at)))
    critic, generator = players("wasserstein")
    assert float(critic(jnp.asarray(potential))) == pytest.approx(-distance, abs=1e-6)
    assert float(generator(jnp.asarray(potential))) == pytest.approx(distance, abs=1e-6)
    for slopes in np.random.default_rng(1).uniform(-1, 1, (200, 3)):
        other = np.concatenate([[0.0], np.cumsum(slopes * np.diff(at))])
        assert float(critic(jnp.asarray(other))) >= -distance - 1e-6


@pytest.mark.parametrize("name", ["minimax", "wasserstein"])
def test_losses_of_a_zero_sum_game_are_inverses(name):
    critic, generator = players(name)
    for d in np.random.default_rng(2).normal(0, 3, (20, 4)):
        assert float(critic(jnp.asarray(d)) + generator(jnp.asarray(d))) == 0


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ("minimax", "least_squares")])
def test_generator_has_a_slope_where_the_critic_is_sure(name):
    real, fake = jnp.full(4, 30.0), jnp.full(4, -30.0)
    slope = jax.grad(lambda fake: loss(name).generator(real, fake))(fake).sum()
    assert float(slope) == pytest.approx(-1, abs=1e-6)


def test_minimax_has_none_there():
    slope = jax.grad(lambda fake: loss("minimax").generator(jnp.full(4, 30.0), fake))(
        jnp.full(4, -30.0)
    ).sum()
    assert -1e-9 < float(slope) < 0


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_finite_far_out(name):
    for part in loss(name):
        value, slope = jax.value_and_grad(part, argnums=1)(jnp.full(2, -1e4), jnp.full(2, 1e4))
        assert jnp.isfinite(value) and jnp.isfinite(slope).all()


def test_wrong_names_and_unequal_pairs_are_refused():
    with pytest.raises(BadInput, match="did you mean 'hinge'"):
        loss("hinges")
    with pytest.raises(BadInput, match="3 examples and 2 fakes"):
        loss("relativistic").critic(jnp.ones(3), jnp.ones(2))
