"""Distributions over actions: masks exact to the last bit, densities and entropies against quadrature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.rl.env import Discrete, everywhere
from ansatz.rl.policy import Categorical, Normal, Squashed, masked_argmax, masked_max, noise, pick

KEY = jax.random.key(0)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize(("count", "open_"), [(4, 2), (10_000, 1429), (10_000, 1), (1, 1)])
def test_illegal_actions_have_no_probability_and_no_gradient(dtype, count, open_):
    logits = (30 * jax.random.normal(KEY, (count,))).astype(dtype)
    legal = jnp.arange(count) % (count // open_) == 0
    assert int(legal.sum()) >= open_
    action = jnp.argmax(legal)

    def everything(z):
        policy = Categorical(z, legal)
        return policy.log_prob(action) + policy.entropy() + policy.divergence(Categorical(0 * z, legal))

    value, slope = jax.jit(jax.value_and_grad(everything))(logits)
    p = jnp.exp(Categorical(logits, legal).log_p)
    assert slope.dtype == dtype and bool(jnp.isfinite(slope).all()) and bool(jnp.isfinite(value))
    assert float(jnp.where(legal, 0, p).max()) == 0.0
    assert float(jnp.abs(jnp.where(legal, 0, slope)).max()) == 0.0
    assert abs(float(p.sum()) - 1) < 1e-5
    kept = np.asarray(logits, np.float64)[np.asarray(legal)]
    truth = np.exp(kept - np.logaddexp.reduce(kept))
    np.testing.assert_allclose(np.asarray(p)[np.asarray(legal)], truth, rtol=2e-5, atol=1e-30)
    entropy = -np.sum(truth * np.log(np.maximum(truth, 1e-300)))
    assert float(Categorical(logits, legal).entropy()) == pytest.approx(entropy, abs=1e-4)
    if legal.sum() == 1:
        assert float(p[action]) == 1.0 and float(Categorical(logits, legal).entropy()) == 0.0


@pytest.mark.parametrize("value", [jnp.inf, -jnp.inf, jnp.nan, 3e38])
def test_what_an_illegal_logit_is_does_not_matter(value):
    legal = jnp.asarray([True, True, False])

    def entropy(z):
        return Categorical(z, legal).entropy()

    one, slope = jax.value_and_grad(entropy)(jnp.asarray([1.0, 2.0, value]))
    other, _ = jax.value_and_grad(entropy)(jnp.asarray([1.0, 2.0, 0.0]))
    assert float(one) == float(other) and bool(jnp.isfinite(slope).all()) and float(slope[2]) == 0.0


def test_no_illegal_action_is_ever_drawn():
    logits = jnp.asarray([0.0, 50.0, 0.0, -50.0])
    legal = jnp.asarray([True, False, False, True])
    luck = noise(Discrete(4), KEY, (100_000,))
    drawn = Categorical(jnp.broadcast_to(logits, luck.shape), jnp.broadcast_to(legal, luck.shape)).sample(
        luck
    )
    assert set(np.unique(drawn)) <= {0, 3}
    assert int(Categorical(logits, legal).mode()) == 0


def test_samples_follow_the_probabilities():
    logits, legal = jnp.asarray([0.0, 1.0, 5.0, -0.5]), jnp.asarray([True, True, False, True])
    luck = noise(Discrete(4), KEY, (200_000,))
    drawn = Categorical(jnp.broadcast_to(logits, luck.shape), jnp.broadcast_to(legal, luck.shape)).sample(
        luck
    )
    shares = np.bincount(np.asarray(drawn), minlength=4) / len(drawn)
    np.testing.assert_allclose(shares, np.exp(Categorical(logits, legal).log_p), atol=4e-3)


def test_where_nothing_is_legal_the_answer_is_nan():
    policy = Categorical(jnp.ones(3), jnp.zeros(3, bool))
    assert np.isnan(policy.log_p).all() and np.isnan(policy.entropy())


def test_masked_maximum_and_its_place():
    values, legal = jnp.asarray([[-3.0, 9.0, -2.0], [-3e38, 9.0, 5.0]]), jnp.asarray([True, False, True])
    legal = jnp.stack([legal, jnp.asarray([True, False, False])])
    assert masked_max(values, legal)[0] == -2.0 and masked_argmax(values, legal).tolist() == [2, 0]
    assert masked_argmax(values).tolist() == [1, 1] and masked_max(values).tolist() == [9.0, 9.0]
    slope = jax.grad(lambda v: masked_max(v, legal[0]))(values[0])
    assert slope.tolist() == [0.0, 0.0, 1.0]
    assert jax.grad(lambda v: pick(v, jnp.asarray(1)))(values[0]).tolist() == [0.0, 1.0, 0.0]


def test_the_divergence_is_that_of_the_definition():
    a, b = jax.random.normal(KEY, (2, 5))
    p, q = np.exp(Categorical(a).log_p), np.exp(Categorical(b).log_p)
    assert float(Categorical(a).divergence(Categorical(b))) == pytest.approx(
        (p * np.log(p / q)).sum(), rel=1e-5
    )
    one, other = Normal(a[:1], b[:1] / 4), Normal(b[1:2], a[1:2] / 4)
    x = np.linspace(-15, 15, 20001, dtype=np.float32)[:, None]
    density = np.exp([jax.vmap(law.log_prob)(x) for law in (one, other)])
    step = float(x[1, 0] - x[0, 0])
    assert density.sum(1) * step == pytest.approx(np.ones(2), rel=1e-4)
    inside = density[0] > 1e-30
    kl = (density[0] * np.log(np.where(inside, density[0], 1) / np.where(inside, density[1], 1))).sum() * step
    assert float(one.divergence(other)) == pytest.approx(kl, rel=1e-3)
    entropy = -(density[0] * np.log(np.where(inside, density[0], 1))).sum() * step
    assert float(one.entropy()) == pytest.approx(entropy, rel=1e-3)


def test_the_squashed_density_integrates_to_one_and_keeps_its_digits():
    policy = Squashed(Normal(jnp.asarray([0.4]), jnp.asarray([-0.5])), jnp.asarray([1.0]), jnp.asarray([2.0]))
    luck = jnp.linspace(-6, 6, 4001)[:, None]
    action, log_p = jax.vmap(policy.sample_and_log_prob)(luck)
    inside = np.asarray(action[:, 0], np.float64)
    assert inside.min() > -1 and inside.max() < 3
    mass = np.trapezoid(np.exp(np.asarray(log_p, np.float64)), inside)
    assert mass == pytest.approx(1, abs=1e-3)
    far, slope = jax.value_and_grad(lambda x: policy.sample_and_log_prob(jnp.asarray([x]))[1])(60.0)
    assert np.isfinite(far) and np.isfinite(slope)
    assert np.allclose(policy.mode(), 1 + 2 * np.tanh(0.4))


def test_noise_has_the_shape_of_the_space():
    assert noise(Discrete(5), KEY, (2, 3)).shape == (2, 3, 5)
    assert noise(everywhere(-1.0, 1.0, 4), KEY, (2,)).shape == (2, 4)
