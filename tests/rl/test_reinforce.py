"""REINFORCE: its mean gradient is the derivative of the exact value, and it learns the probes."""

import jax
import numpy as np
import pytest
from tests.rl.worlds import Finite, Medley, least_chance, random_process, wrong_values

from ansatz.rl.agent import build_actor_critic
from ansatz.rl.planning import policy_value
from ansatz.rl.reinforce import REINFORCE, WholeEpisodes, reinforce_loss
from ansatz.training.fit import fit
from ansatz.training.step import clock_at

EPISODES, TIMES = 50_000, 6


def test_its_mean_gradient_is_the_derivative_of_the_value():
    """With the factor γ^t, over many episodes; the value of a policy is a linear system's solution."""
    process, gamma = random_process(4, 3, seed=5, ending=0.4, masked=True), 0.8
    process.R[:, 0] += 1.0
    env = Finite(process)
    model = build_actor_critic(env.observations, env.actions, 4, 1, key=jax.random.key(3))
    model = jax.tree.map(lambda x: 3 * x, model)
    source = WholeEpisodes(env, EPISODES, 25, gamma, baseline=False, discounted=True, masked=True)
    loss = reinforce_loss(EPISODES, baseline=False)

    @jax.jit
    def slope(key):
        batch, _ = source.next((), model, clock_at(0, 1), key)
        return jax.grad(lambda m: loss(m, batch.samples, None)[0])(model).actor.last.bias

    found = -np.mean([slope(jax.random.key(i)) for i in range(TIMES)], axis=0)

    def value(bias):
        logits = np.asarray(jax.vmap(model)(np.arange(4))[0], float) + bias
        policy = np.where(process.legal, np.exp(logits), 0)
        return policy_value(process.going, process.R, policy / policy.sum(1, keepdims=True), gamma).mean()

    truth = np.array([(value(e) - value(-e)) / 2e-5 for e in 1e-5 * np.eye(3)])
    assert np.abs(truth).max() > 0.2
    np.testing.assert_allclose(found, truth, atol=0.02)


def test_the_probes_are_learned():
    recipe = REINFORCE(envs=64, steps=3, gamma=0.9, learning_rate=1e-2, schedule="linear", width=16, depth=1)
    run = fit(recipe, Medley(), steps=500)
    assert least_chance(run.model) > 0.9 and wrong_values(run.model) < 0.15
    assert np.nanmean(run.history["length"]) == pytest.approx(10 / 7, abs=0.05)
