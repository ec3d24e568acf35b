"""TRPO's step against a dense Fisher matrix, its bound at every step, and the rise of what it maximizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from tests.rl.worlds import Aim, Medley, least_chance, wrong_values

from ansatz.core import BadInput
from ansatz.rl.agent import build_actor_critic
from ansatz.rl.env import Discrete, everywhere
from ansatz.rl.policy import noise
from ansatz.rl.rollout import Samples
from ansatz.rl.trpo import TRPO, TrustRegion, _actor, conjugate_gradients, fisher_product
from ansatz.training.fit import fit
from ansatz.training.step import clock_at

SEEN = everywhere(-1.0, 1.0, 3)
KEY = jax.random.key(0)
SPACES = {"discrete": Discrete(4), "continuous": everywhere(-1.0, 1.0, 2)}


def problem(kind, count=40):
    """Return a model and samples, a third of whose actions are illegal."""
    space = SPACES[kind]
    keys = jax.random.split(jax.random.key(4), 5)
    model = build_actor_critic(SEEN, space, 5, 1, log_std=-0.3, key=keys[0])
    model = jax.tree.map(lambda x: 2.0 * x, model)
    obs = jax.random.normal(keys[1], (count, 3))
    legal = None
    if kind == "discrete":
        legal = (jax.random.uniform(keys[2], (count, 4)) < 0.67) | (jnp.arange(4) == 1)[None]
    policy = jax.vmap(model.policy)(obs, legal)
    action = policy.sample(noise(space, keys[3], (count,)))
    zero = jnp.zeros(count)
    advantage = jax.random.normal(keys[4], (count,))
    return model, Samples(obs, legal, action, policy.log_prob(action), zero, advantage, zero)


def dense(model, samples):
    """Return the Hessian of the mean divergence at the old parameters, and the slope of the objective."""
    flat, rebuild = _actor(model)
    old = jax.vmap(model.policy)(samples.obs, samples.legal)

    def divergence(flat):
        return old.divergence(jax.vmap(rebuild(flat).policy)(samples.obs, samples.legal)).mean()

    def gain(flat):
        new = jax.vmap(rebuild(flat).policy)(samples.obs, samples.legal)
        return (jnp.exp(new.log_prob(samples.action) - samples.log_prob) * samples.advantage).mean()

    hessian, slope = jax.jit(lambda flat: (jax.hessian(divergence)(flat), jax.grad(gain)(flat)))(flat)
    return flat, hessian, slope, jax.jit(divergence), jax.jit(gain)


@pytest.mark.parametrize("kind", SPACES)
def test_the_step_is_that_of_the_dense_fisher_matrix(kind):
    with jax.enable_x64(True):
        model, samples = problem(kind)
        flat, hessian, slope, divergence, gain = dense(model, samples)
        damping, delta = 1e-2, 1e-4
        matrix = np.asarray(hessian) + damping * np.eye(len(flat))
        _, rebuild = _actor(model)
        policy = jax.vmap(model.policy)(samples.obs, samples.legal)
        product = fisher_product(rebuild, flat, policy, samples, damping)
        v = jax.random.normal(KEY, flat.shape)
        np.testing.assert_allclose(product(v), matrix @ np.asarray(v), rtol=1e-8, atol=1e-10)
        direction = np.linalg.solve(matrix, np.asarray(slope))
        truth = np.sqrt(2 * delta / (direction @ matrix @ direction)) * direction
        region = TrustRegion(delta, damping, iterations=200, standardize=False)
        apply = jax.jit(lambda m, b: region.apply(m, (), b, clock_at(0, 1), KEY))
        moved, _, metrics = apply(model, samples)
        step = np.asarray(_actor(moved)[0] - flat) / float(metrics["step"])
        assert np.linalg.norm(step - truth) <= 1e-4 * np.linalg.norm(truth)
        new = _actor(moved)[0]
        assert float(divergence(new)) == pytest.approx(float(metrics["kl"]), rel=1e-9)
        assert 0 < float(divergence(new)) <= delta * (1 + 1e-6)
        assert float(gain(new) - gain(flat)) == pytest.approx(float(metrics["gain"]), rel=1e-6)
        assert float(metrics["gain"]) > 0
        # The critic and the encoder are left alone.
        assert jax.tree.all(jax.tree.map(jnp.array_equal, moved.critic, model.critic))


def test_a_step_that_cannot_be_taken_is_not():
    model, samples = problem("discrete")
    for advantage in (jnp.zeros(40), jnp.ones(40)):
        region = TrustRegion(tries=3)
        still, _, metrics = region.apply(
            model, (), samples._replace(advantage=advantage), clock_at(0, 1), KEY
        )
        assert float(metrics["step"]) == 0 and float(metrics["kl"]) == 0
        assert np.array_equal(ravel_pytree(still)[0], ravel_pytree(model)[0])


def test_conjugate_gradients_solve_in_as_many_steps_as_there_are_eigenvalues():
    random = np.random.default_rng(0)
    basis, _ = np.linalg.qr(random.normal(size=(12, 12)))
    values = np.repeat([1.0, 3.0, 10.0], 4)
    matrix, right = jnp.asarray(basis * values @ basis.T, jnp.float32), jnp.asarray(random.normal(size=12))
    found = conjugate_gradients(lambda v: matrix @ v, right.astype(jnp.float32), 3)
    np.testing.assert_allclose(matrix @ found, right, atol=1e-4)
    assert np.array_equal(conjugate_gradients(lambda v: matrix @ v, jnp.zeros(12), 3), np.zeros(12))


@pytest.mark.parametrize(("env", "delta"), [(Medley(), 0.02), (Aim(), 0.03)])
def test_probes_are_learned_and_every_step_keeps_the_bound_and_rises(env, delta):
    recipe = TRPO(
        envs=16,
        steps=16,
        gamma=0.9,
        passes=4,
        minibatches=4,
        learning_rate=5e-3,
        delta=delta,
        width=16,
        depth=1,
    )
    run = fit(recipe, env, steps=150)
    kl, gain, step = (run.history[name] for name in ("kl", "gain", "step"))
    assert kl.max() <= delta * (1 + 1e-6) and (gain >= 0).all()
    taken = step > 0
    assert taken.mean() > 0.9 and (gain[taken] > 0).all() and np.median(kl[taken]) > delta / 4
    if isinstance(env, Medley):
        assert wrong_values(run.model) < 0.15 and least_chance(run.model) > 0.9
    else:
        assert np.abs(np.asarray(run.model.act(jnp.zeros(1))) - 0.5).max() < 0.1


def test_numbers_out_of_range_get_a_sentence():
    with pytest.raises(BadInput, match=r"shrink in \(0, 1\), not 0.01, 0.1, 1.0"):
        TrustRegion(shrink=1.0)
    with pytest.raises(BadInput, match="iterations is an integer of at least 1"):
        TrustRegion(iterations=0)
