"""Returns and advantages against their sums written out, and against the analytic value at a time limit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import NEVER, Finite, Process, random_process

from ansatz.core import BadInput
from ansatz.rl.advantage import Played, check_discounts, generalized_advantage, monte_carlo, n_step
from ansatz.rl.env import Step
from ansatz.rl.planning import policy_value
from ansatz.rl.rollout import begin, play

RANDOM = np.random.default_rng(3)
T, E = 12, 5


def drawn() -> Played:
    numbers = RANDOM.normal(size=(3, T, E)).astype(np.float32)
    ends = RANDOM.random((2, T, E)) < 0.15
    return Played(*map(jnp.asarray, (*numbers, *ends)))


def written_out(played: Played, gamma: float, lam: float) -> np.ndarray:
    """Return the advantages by their double sum."""
    r, v, after, ended, cut = (np.asarray(x, np.float64) for x in played)
    delta = r + gamma * (1 - ended) * after - v
    advantage = np.zeros_like(delta)
    for e in range(E):
        for t in range(T):
            weight = 1.0
            for k in range(t, T):
                advantage[t, e] += weight * delta[k, e]
                weight *= gamma * lam
                if ended[k, e] or cut[k, e]:
                    break
    return advantage


@pytest.mark.parametrize(("gamma", "lam"), [(0.9, 0.95), (1.0, 1.0), (0.97, 0.0)])
def test_generalized_advantage_is_its_sum(gamma, lam):
    played = drawn()
    found = jax.jit(generalized_advantage, static_argnums=(1, 2))(played, gamma, lam)
    np.testing.assert_allclose(found, written_out(played, gamma, lam), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 3, 50])
def test_n_step_returns_are_their_sum(steps):
    played, gamma = drawn(), 0.9
    r, _, after, ended, cut = (np.asarray(x, np.float64) for x in played)
    truth = np.zeros((T, E))
    for e in range(E):
        for t in range(T):
            for k in range(t, min(t + steps, T)):
                truth[t, e] += gamma ** (k - t) * r[k, e]
                last = k == min(t + steps, T) - 1
                if ended[k, e] or cut[k, e] or last:
                    truth[t, e] += gamma ** (k - t + 1) * (1 - ended[k, e]) * after[k, e]
                    break
    np.testing.assert_allclose(n_step(played, gamma, steps), truth, rtol=1e-4, atol=1e-5)
    if steps == 50:
        np.testing.assert_allclose(monte_carlo(played, gamma), truth, rtol=1e-4, atol=1e-5)


class Cut(Finite):
    """A world without end that pays 1 a step, cut off every seventh step."""

    def reset(self, key):
        return jnp.zeros((), jnp.int32)

    def observe(self, state):
        return jnp.zeros((), jnp.int32)

    def step(self, state, action, key):
        return Step(state + 1, self.observe(state), jnp.ones(()), NEVER, state + 1 >= 7)


def test_a_time_limit_does_not_bias_the_value():
    """At the true value every target is the true value; counted as an ending, the last one would be 1."""
    gamma, env = 0.9, Cut(Process(np.ones((1, 2, 1)), np.ones((1, 2)), None))
    walk = begin(env, 3, jax.random.key(0))
    choose = lambda state, obs, legal, drawn: (drawn, ())  # noqa: E731
    actions = jnp.zeros((40, 3), jnp.int32)
    _, record, episodes = jax.jit(lambda w: play(env, w, choose, actions, jax.random.key(1)))(walk)
    assert int(record.truncated.sum()) == 3 * (40 // 7) and not bool(record.terminated.any())
    assert float(episodes.lengths.total / episodes.lengths.weight) == 7.0
    true = jnp.full((40, 3), 1 / (1 - gamma))
    played = Played(record.reward, true, true, record.terminated, record.truncated)
    for target in (
        generalized_advantage(played, gamma, 0.95) + true,
        monte_carlo(played, gamma),
        n_step(played, gamma, 4),
    ):
        np.testing.assert_allclose(target, true, rtol=1e-5)
    wrong = played._replace(terminated=record.truncated)
    assert float(jnp.abs(monte_carlo(wrong, gamma) - true).max()) > 5


def test_mean_targets_under_a_random_policy_are_its_value():
    """With any bootstrap of weight 0, Monte-Carlo returns average to the linear system's solution."""
    process = random_process(6, 3, seed=1, ending=0.3)
    env, gamma = Finite(process), 0.9
    truth = policy_value(process.going, process.R, np.full((6, 3), 1 / 3), gamma)
    walk = begin(env, 200, jax.random.key(0))
    actions = jax.random.randint(jax.random.key(2), (300, 200), 0, 3)
    choose = lambda state, obs, legal, drawn: (drawn, ())  # noqa: E731
    _, record, _ = jax.jit(lambda w: play(env, w, choose, actions, jax.random.key(1)))(walk)
    zero = jnp.zeros_like(record.reward)
    returns = monte_carlo(Played(record.reward, zero, zero, record.terminated, record.truncated), gamma)
    early, state = np.asarray(returns)[:250].ravel(), np.asarray(record.obs)[:250].ravel()
    found = np.array([early[state == s].mean() for s in range(6)])
    np.testing.assert_allclose(found, truth, atol=0.03)


def test_discounts_out_of_range_get_a_sentence():
    with pytest.raises(BadInput, match=r"gamma lies in \(0, 1\], not 0.0"):
        check_discounts(0.0)
    with pytest.raises(BadInput, match=r"lam of GAE lies in \[0, 1\], not 1.5"):
        check_discounts(1.0, 1.5)
    with pytest.raises(BadInput, match="at least 1, not 0"):
        n_step(drawn(), 0.9, 0)
