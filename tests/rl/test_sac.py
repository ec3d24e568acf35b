"""SAC against soft value iteration, its learned temperature, and continuous actions with known answers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import Aim, CartPole, Finite, random_process

from ansatz.core import BadInput
from ansatz.rl.planning import soft_policy, soft_value_iteration
from ansatz.rl.sac import SAC
from ansatz.training.fit import fit

TABLE = {"envs": 32, "batch": 512, "capacity": 8192, "start": 1024, "depth": 0, "share": 0.05}


def test_soft_values_and_policy_are_those_of_soft_value_iteration():
    # Without chance a replay of some thousand steps has the very averages of the process.
    process, gamma, alpha = random_process(6, 3, 6, ending=0.0, masked=True, chance=False), 0.8, 0.5
    truth = soft_value_iteration(process.going, process.R, gamma, alpha, process.legal)
    recipe = SAC(gamma=gamma, alpha=alpha, learning_rate=2e-2, schedule="linear", **TABLE)
    run = fit(recipe, Finite(process, cut=0.05), steps=4000)
    model, states, legal = run.model, jnp.arange(6), jnp.asarray(process.legal)
    q = np.asarray(jax.vmap(lambda s: model.judge(model.critics, s))(states))
    for critic in (q[:, 0], q[:, 1]):
        assert np.abs(critic - truth)[process.legal].max() <= 1e-2
    found = np.exp(jax.vmap(lambda s, m: model.policy(s, m).log_p)(states, legal))
    assert np.abs(found - soft_policy(truth, alpha, process.legal)).max() <= 1e-2
    assert (found[~process.legal] == 0).all()


def test_the_learned_temperature_reaches_the_entropy_that_was_asked_for():
    process, gamma, share = random_process(6, 4, seed=8, masked=True, chance=False), 0.8, 0.7
    recipe = SAC(gamma=gamma, entropy=share, learning_rate=1e-2, schedule="linear", **TABLE)
    run = fit(recipe, Finite(process), steps=4000)
    model, legal = run.model, jnp.asarray(process.legal)
    # H̄ is a mean over the states that were replayed; the policy says how often each is.
    log_p = jax.vmap(lambda s, m: model.policy(s, m).log_p)(jnp.arange(6), legal)
    policy = np.exp(np.asarray(log_p, float))
    flow = np.einsum("sa,sat->st", policy, process.going)
    visits = np.linalg.solve(np.eye(6) - flow.T, np.full(6, 1 / 6))
    visits /= visits.sum()
    entropy = -(policy * np.where(policy > 0, np.log(np.maximum(policy, 1e-30)), 0)).sum(1) @ visits
    wanted = share * np.log(process.legal.sum(1)) @ visits
    assert entropy == pytest.approx(wanted, rel=0.02)
    alpha = run.history["actor/alpha"]
    assert 0 < alpha[-1] < 1 and np.ptp(alpha[-200:]) < 0.02


def test_continuous_actions_are_spread_as_the_temperature_says():
    """For -(a - t)²/d and α the soft policy is normal around t with variance α d / 2 where the box is far."""
    recipe = SAC(
        envs=16, batch=256, capacity=8192, start=512, alpha=0.02, learning_rate=3e-3, schedule="linear",
        width=32, share=0.05,
    )  # fmt: skip
    run = fit(recipe, Aim(low=-2.0, high=2.0), steps=3000)
    policy = run.model.policy(jnp.zeros(1))
    luck = jax.random.normal(jax.random.key(0), (20_000, 2))
    drawn, _ = jax.vmap(policy.sample_and_log_prob)(luck)
    np.testing.assert_allclose(drawn.mean(0), 0.5, atol=0.05)
    np.testing.assert_allclose(drawn.var(0), 0.02, rtol=0.25)


def test_continuous_entropy_meets_its_target_in_any_box():
    recipe = SAC(
        envs=16, batch=256, capacity=8192, start=512, learning_rate=5e-3, schedule="linear", width=32,
        share=0.05,
    )  # fmt: skip
    run = fit(recipe, Aim(low=-3.0, high=1.0, target=-0.5), steps=4000)
    assert run.history["actor/entropy"][-300:].mean() == pytest.approx(-2 + 2 * np.log(2), abs=0.06)
    np.testing.assert_allclose(run.model.act(jnp.zeros(1)), -0.5, atol=0.15)


def test_bad_input_gets_a_sentence():
    for recipe, env, words in (
        (SAC(share=0.0), CartPole(), r"share in \(0, 1\]"),
        (SAC(alpha=-1.0), CartPole(), "alpha >= 0"),
        (SAC(), Aim(low=-np.inf, high=np.inf), "box with finite bounds"),
        (SAC(start=10, capacity=0), CartPole(), "does not hold the 1"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(recipe, env, steps=1)
