"""Our environments do what Gymnasium's do, over ten thousand random steps each."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.rl.env import Discrete
from ansatz.rl.envs.names import NAMES, make
from ansatz.rl.wrappers import TimeLimit, unwrapped

STEPS = 10_000
CONTINUOUS = ["CartPole-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1"]
TABULAR = ["FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v4", "CliffWalking-v1", "CliffWalkingSlippery-v1"]
# How far from the usual beginnings half of the episodes begin, so that ends and walls are met.
FAR = {
    "CartPole-v1": ([-2.3, -1.0, -0.2, -1.0], [2.3, 1.0, 0.2, 1.0]),
    "Acrobot-v1": ([-3.1, -3.1, -6.0, -12.0], [3.1, 3.1, 6.0, 12.0]),
    "MountainCar-v0": ([-1.2, -0.07], [0.6, 0.07]),
    "MountainCarContinuous-v0": ([-1.2, -0.07], [0.6, 0.07]),
    "Pendulum-v1": ([-3.1, -8.0], [3.1, 8.0]),
}
# Where two episodes part however close they begin: the first swings chaotically, and of the second Gymnasium
# rounds the state to single precision. Each of their steps begins in our state.
PARTING = {"Acrobot-v1", "MountainCarContinuous-v0"}


def rollout(env, key, far=None):
    """Return what happens at each of the steps, the last axis of keys included, as one compiled scan."""
    limited = isinstance(env, TimeLimit)
    space = env.actions

    def begin(key):
        state = env.reset(key)
        if far is None:
            return state
        low, high = (jnp.asarray(one, float) for one in far)
        wide = jax.random.uniform(key, low.shape, minval=low, maxval=high)
        return state._replace(state=jnp.where(jax.random.bernoulli(key), wide, state.state))

    def body(state, key):
        choose, move, again = jax.random.split(key, 3)
        if isinstance(space, Discrete):
            action = jax.random.randint(choose, (), 0, space.n)
        else:
            # Beyond the bounds too, where actions are cut off.
            low, high = (1.2 * jnp.asarray(one, float) for one in (space.low, space.high))
            action = jax.random.uniform(choose, space.shape, float, low, high)
        step = env.step(state, action, move)
        over = step.terminated | step.truncated
        after = jax.tree.map(lambda a, b: jnp.where(over, a, b), begin(again), step.state)
        inner = state.state if limited else state
        legal = env.legal(step.state) if isinstance(space, Discrete) else jnp.zeros(1)
        drawn = jax.random.uniform(move, dtype=jnp.float32)
        return after, (inner, action, step.obs, step.reward, step.terminated, step.truncated, legal, drawn)

    keys = jax.random.split(key, STEPS)
    return jax.tree.map(np.asarray, jax.jit(lambda: jax.lax.scan(body, begin(key), keys)[1])())


class Told:
    """A generator that draws what it is told."""

    value = 0.0

    def random(self):
        return self.value


def peer(name):
    """Return Gymnasium's environment with its time limit."""
    return gymnasium.make(name, disable_env_checker=True)


def differences(name, events, every_step):
    """Return the largest difference of observations and rewards; ends are compared exactly."""
    env, fresh = peer(name), True
    worst = np.zeros(2)
    for state, action, obs, reward, terminated, truncated, _, _ in zip(*events, strict=True):
        if fresh:
            env.reset()
        if fresh or every_step:
            env.unwrapped.state = state.astype(float)
        their_obs, their_reward, *ends, _ = env.step(action if action.ndim else int(action))
        worst = np.maximum(worst, [np.abs(obs - their_obs).max(), abs(reward - their_reward)])
        assert ends == [terminated, truncated]
        fresh = terminated or truncated
    return worst


@pytest.mark.parametrize("name", CONTINUOUS)
def test_whole_episodes_are_gymnasiums(name):
    with jax.enable_x64(True):
        events = rollout(make(name), jax.random.key(1), FAR[name])
    assert events[4].any() or name == "Pendulum-v1"
    assert events[5].any() or name == "CartPole-v1"
    # Gymnasium shows observations in single precision, whose last digit is larger for larger numbers.
    obs = events[2].astype(np.float32).astype(float)
    events = (*events[:2], obs, *events[3:])
    assert (differences(name, events, name in PARTING) <= 1e-6).all()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_single_precision_agrees_step_by_step(name):
    events = rollout(make(name), jax.random.key(2), FAR[name])
    assert events[2].dtype == events[3].dtype == np.float32
    worst = differences(name, events, True)
    assert (worst <= (2e-5 if name == "Acrobot-v1" else 5e-6)).all()


@pytest.mark.parametrize("name", TABULAR)
def test_tables_are_gymnasiums(name):
    ours, theirs = unwrapped(make(name)), peer(name).unwrapped
    table = ours.outcomes()
    for state, choices in theirs.P.items():
        for action, outcomes in choices.items():
            found = zip(*(values[state, action].tolist() for values in table), strict=True)
            assert [one for one in found if one[0] > 0] == [tuple(map(float, one)) for one in outcomes]
    assert table.probability.shape[:2] == (theirs.observation_space.n, theirs.action_space.n)
    assert np.array_equal(ours.starts(), theirs.initial_state_distrib)
    move = ours.transitions()
    chances = np.zeros_like(move.P)
    for state, choices in theirs.P.items():
        for action, outcomes in choices.items():
            for chance, after, _, _ in outcomes:
                chances[state, action, after] += chance
    assert np.array_equal(move.P, chances)


@pytest.mark.parametrize("name", TABULAR)
def test_steps_on_tables_are_gymnasiums(name):
    events, env = rollout(make(name), jax.random.key(3)), peer(name)
    fresh, told = True, Told()
    for state, action, obs, reward, terminated, truncated, legal, drawn in zip(*events, strict=True):
        if fresh:
            env.reset()
            env.unwrapped.np_random, env.unwrapped.s = told, int(state)
        told.value = float(drawn)
        their_obs, their_reward, *ends, info = env.step(int(action))
        assert (their_obs, their_reward, *ends) == (obs, reward, terminated, truncated)
        assert "action_mask" not in info or np.array_equal(info["action_mask"], legal)
        fresh = terminated or truncated
    assert events[4].any()


def test_every_mask_of_taxi_is_gymnasiums():
    env = unwrapped(make("Taxi-v4"))
    theirs = peer("Taxi-v4").unwrapped
    assert np.array_equal(env.legal_table(), [theirs.action_mask(state) for state in range(500)])


def test_time_limits_and_spaces_are_gymnasiums():
    gym = pytest.importorskip("ansatz.rl.gym")
    common = [name for name in NAMES if name in gymnasium.registry]
    assert set(common) >= {*CONTINUOUS, *TABULAR}
    for name in common:
        env, theirs = make(name), peer(name)
        assert getattr(env, "steps", None) == gymnasium.spec(name).max_episode_steps
        assert gym.to_space(env.observations) == theirs.observation_space
        assert gym.to_space(env.actions) == theirs.action_space
