"""A2C: probes of every part, PPO's special case, punishment, and what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import CartPole, Medley, chances, least_chance, medley, wrong_values

from ansatz.core import BadInput, Status
from ansatz.rl.a2c import A2C
from ansatz.rl.env import everywhere
from ansatz.rl.ppo import PPO
from ansatz.training.fit import fit

SHARED = {
    "envs": 32,
    "steps": 4,
    "gamma": 0.9,
    "lam": 1.0,
    "learning_rate": 5e-3,
    "schedule": "constant",
    "width": 16,
    "depth": 1,
}


@pytest.fixture(scope="module")
def trained():
    return fit(A2C(optimizer="adam", **SHARED), Medley(), steps=600, seeds=2)


def test_the_probes_are_learned_by_every_seed(trained):
    for seed in range(2):
        model = trained.member(seed)
        assert wrong_values(model) < 0.15 and least_chance(model) > 0.9
    assert np.nanmean(trained.history["return"][-50:]) > 0.55
    # Five probes of one step, one of two, one of three.
    assert np.nanmean(trained.history["length"]) == pytest.approx(10 / 7, abs=0.05)


def test_it_is_ppo_with_one_pass_over_one_minibatch(trained):
    """The ratio is 1 and its gradient that of the logarithm (Huang et al. 2022): the same parameters."""
    other = fit(PPO(passes=1, minibatches=1, standardize=False, **SHARED), Medley(), steps=600)
    for a, b in zip(jax.tree.leaves(trained.member(0)), jax.tree.leaves(other.model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    for name in ("entropy", "critic"):
        np.testing.assert_allclose(trained.history[name][:50, 0], other.history[name][:50], atol=2e-6)
    assert np.array_equal(trained.history["return"][:, 0], other.history["return"], equal_nan=True)
    assert np.abs(other.history["kl"]).max() < 1e-6 and other.history["clipped"].max() == 0


def test_the_network_is_punished_for_what_it_would_propose():
    run = fit(A2C(illegal="both", penalty=2.0, **SHARED), Medley(), steps=400)
    raw = np.exp(run.model.policy(medley()[0][8]).log_p)
    assert raw[2] < 0.05 and chances(run.model)[8, 1] > 0.9
    assert run.history["illegal"][-1] < 0.01 < run.history["illegal"][0]


def test_bad_input_gets_a_sentence():
    for recipe, env, words in (
        (A2C(optimizer="adan"), CartPole(), "optimizer 'adan'; did you mean 'adam'"),
        (A2C(gamma=1.5), CartPole(), r"gamma lies in \(0, 1\], not 1.5"),
        (A2C(illegal="masked"), CartPole(), "did you mean 'mask'"),
        (A2C(illegal="both", penalty=0.0), Medley(), "penalty for illegal actions is above 0"),
        (A2C(schedule="lineal"), CartPole(), "did you mean 'linear'"),
        (A2C(largest=-1.0), CartPole(), "largest norm of a gradient is at least 0"),
        (A2C(), "CartPole", "takes an environment"),
        (A2C(envs=0), CartPole(), "The number envs is an integer of at least 1, not 0"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(recipe, env, steps=1)


class Untrue(CartPole):
    """An environment that observes something else than it says."""

    @property
    def observations(self):
        return everywhere(-1.0, 1.0, 3)


class Growing(CartPole):
    """An environment whose step changes the type of its state."""

    def step(self, state, action, key):
        step = super().step(state, action, key)
        return step._replace(state=(step.state[0], step.state[1].astype(jnp.float32)))


class Crowded(CartPole):
    """A game of two."""

    players = 2


class Broken(CartPole):
    """An environment that has a state without actions, or that pays nan, once the pole has tilted a bit."""

    stuck: bool = eqx.field(static=True, default=False)

    def legal(self, state):
        return jnp.ones(2, bool) & ~(self.stuck & (jnp.abs(state[0][2]) > 0.1))

    def step(self, state, action, key):
        step = super().step(state, action, key)
        broken = (not self.stuck) & (jnp.abs(step.obs[2]) > 0.1)
        return step._replace(reward=jnp.where(broken, jnp.nan, step.reward))


def test_environments_that_are_none_get_a_sentence():
    with pytest.raises(BadInput, match=r"the observation float32\[4\]; in its space Box of shape \(3,\)"):
        fit(A2C(), Untrue(), steps=1)
    with pytest.raises(BadInput, match="the same leaves, shapes and dtypes always"):
        fit(A2C(), Growing(), steps=1)
    with pytest.raises(BadInput, match="Crowded has 2 players; this algorithm is for one"):
        fit(A2C(), Crowded(), steps=1)


@pytest.mark.parametrize("stuck", [False, True])
def test_a_reward_that_is_no_number_and_a_state_without_actions_end_the_run(stuck):
    run = fit(A2C(**SHARED), Broken(stuck=stuck), steps=50)
    assert run.status is Status.nonfinite and "became nan" in run.message and run.step < 50
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run.model))
