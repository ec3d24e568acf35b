"""Gymnasium's environments, trained in here: to the numbers of the compiled ones, however they restart."""

import importlib
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput, Status
from ansatz.rl.a2c import A2C
from ansatz.rl.dqn import DQN
from ansatz.rl.env import Box, Discrete, Env, Step, everywhere
from ansatz.rl.evaluate import evaluate
from ansatz.rl.ppo import PPO
from ansatz.rl.reinforce import REINFORCE
from ansatz.rl.sac import SAC
from ansatz.training import fit as engine
from ansatz.training.fit import fit
from ansatz.training.step import clock_at

gymnasium = pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")
from gymnasium import spaces  # noqa: E402
from gymnasium.vector import SyncVectorEnv  # noqa: E402

from ansatz.rl.hosted import hosted  # noqa: E402
from ansatz.rl.hosted_spaces import action_space, observation_space, observed, performed  # noqa: E402

LONGEST, END = 5, 4


class Walk(Env):
    """Steps to the right end of a line, or the way there cut off after five; the third action leads nowhere.

    It is illegal at the left end.  The reward tells place, action and time.
    """

    @property
    def actions(self):
        return Discrete(3)

    @property
    def observations(self):
        return everywhere(0.0, 9.0, 2)

    def reset(self, key):
        return jnp.zeros(2)

    def observe(self, state):
        return state

    def legal(self, state):
        return jnp.asarray([True, True, False]) | (state[0] > 0)

    def step(self, state, action, key):
        moved = jnp.clip(state[0] + jnp.asarray([-1.0, 1.0, 0.0])[action], 0, END)
        after = jnp.stack([moved, state[1] + 1])
        reward = 0.5 * moved + 0.1 * action.astype(float) - 0.2 * state[1]
        return Step(after, after, reward, moved == END, after[1] == LONGEST)


class Walked(gymnasium.Env):
    """The same for Gymnasium."""

    observation_space = spaces.Box(0.0, 9.0, (2,), np.float32)
    action_space = spaces.Discrete(3, start=7)

    def __init__(self):
        self.at = np.zeros(2, np.float32)

    def info(self):
        return {"action_mask": np.array([1, 1, self.at[0] > 0], np.int8)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = np.zeros(2, np.float32)
        return self.at, self.info()

    def step(self, action):
        assert self.action_space.contains(action) and self.info()["action_mask"][action - 7]
        place, time = self.at
        moved = np.clip(place + [-1, 1, 0][action - 7], 0, END)
        self.at = np.array([moved, time + 1], np.float32)
        reward = 0.5 * moved + 0.1 * (action - 7) - 0.2 * time
        return self.at, float(reward), bool(moved == END), bool(time + 1 == LONGEST), self.info()


def made(way, number):
    if way == "copies":
        return hosted(Walked)
    return hosted(SyncVectorEnv([Walked] * number, autoreset_mode=way))


def leaves(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_array))]


def same(one, two, exactly=("return", "length")):
    for a, b in zip(leaves(one.model), leaves(two.model), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5)
    for name in exactly:
        np.testing.assert_allclose(one.history[name], two.history[name], atol=1e-5)


ON = {"steps": 8, "gamma": 0.9, "width": 8, "depth": 1, "learning_rate": 3e-3}
OFF = {"envs": 2, "steps": 4, "start": 60, "batch": 16, "capacity": 100, "width": 8, "depth": 1}


@pytest.fixture(scope="module")
def compiled():
    """A2C where all is compiled: in one episode, and in three."""
    return {envs: fit(A2C(envs=envs, scale=envs == 3, **ON), Walk(), steps=40) for envs in (1, 3)}


@pytest.mark.parametrize("way", ["copies", "SameStep", "Disabled", "NextStep"])
def test_one_episode_at_a_time_is_what_it_is_compiled(compiled, way):
    """The same actions, ends, cuts, masks, returns and parameters."""
    run = fit(A2C(envs=1, **ON), made(way, 1), steps=40)
    assert run.info["driver"] == "hosted" and np.isfinite(run.history["length"]).sum() > 30
    same(run, compiled[1])


def test_several_at_once_are_what_they_are_compiled(compiled):
    run = fit(A2C(envs=3, scale=True, **ON), made("SameStep", 3), steps=40)
    same(run, compiled[3])


def test_replay_is_what_it_is_compiled():
    recipe = DQN(**OFF)
    run, other = fit(recipe, made("copies", 2), steps=60), fit(recipe, Walk(), steps=60)
    same(run, other)
    np.testing.assert_allclose(run.history["error"], other.history["error"], atol=1e-4)


def test_a_step_that_only_restarts_is_none():
    """Two episodes of different lengths, side by side: none of their steps is of the restart."""
    env = made("NextStep", 2)
    parts = A2C(envs=2, **ON).build(env, jax.random.key(3))
    source, key = parts.source, jax.random.key(1)
    state, ended = source.init(parts.model, key), 0
    for i in range(6):
        batch, state = source.next(state, parts.model, clock_at(i, 6), jax.random.fold_in(key, i))
        obs = np.asarray(batch.samples.obs).reshape(8, 2, 2)
        action = np.asarray(batch.samples.action).reshape(8, 2)
        for e in range(2):
            for t in range(7):
                moved = np.clip(obs[t, e, 0] + [-1, 1, 0][action[t, e]], 0, END)
                over = moved == END or obs[t, e, 1] + 1 == LONGEST
                assert obs[t + 1, e].tolist() == ([0, 0] if over else [moved, obs[t, e, 1] + 1])
        ended += batch.episodes.lengths.weight
        mean = batch.episodes.lengths.total / max(batch.episodes.lengths.weight, 1)
        assert 1 <= mean <= LONGEST
    assert ended >= 12


def test_ppo_learns_to_balance():
    env = hosted(gymnasium.make("CartPole-v1"))
    recipe = PPO(envs=4, steps=64, passes=8, minibatches=4, learning_rate=3e-3, width=32, depth=1)
    run = fit(recipe, env, steps=20)
    returns = evaluate(env, run.model, 5)
    assert returns.shape == (5,) and returns.mean() > 100
    again = fit(recipe, env, steps=3)
    assert np.array_equal(
        again.history["return"], fit(recipe, env, steps=3).history["return"], equal_nan=True
    )


def test_continuous_actions_are_brought_into_bounds(monkeypatch):
    env, done = gymnasium.make("MountainCarContinuous-v0").unwrapped, []
    step = env.step
    monkeypatch.setattr(env, "step", lambda action: done.append(action) or step(action))
    run = fit(SAC(start=8, steps=8, batch=8, width=8, depth=1), hosted(env), steps=3)
    assert run.status is Status.finished and len(done) == 24
    assert all(action.shape == (1,) and action.dtype == np.float32 for action in done)
    done.clear()
    run = fit(A2C(envs=1, steps=32, width=8, depth=1), hosted(env), steps=1)
    assert max(abs(float(action[0])) for action in done) == 1.0 and run.status is Status.finished


def test_a_resumed_run_goes_on_with_new_episodes(monkeypatch):
    monkeypatch.setattr(engine, "CHUNK", 1)
    env, recipe = made("copies", 2), A2C(envs=2, **ON)
    half = fit(recipe, env, steps=20, hooks=[lambda event: Status.stopped if event.step >= 7 else None])
    run = fit(recipe, env, steps=20, resume=half)
    assert half.step == 7 and run.step == 20 and run.status is Status.finished
    assert np.nanmax(run.history["length"]) <= LONGEST


def test_spaces_are_translated():
    numbers = spaces.Discrete(3, start=-1)
    assert observed(numbers, [-1, 1]).tolist() == [0, 2] and performed(
        numbers, np.array([0, 2])
    ).tolist() == [-1, 1]
    image = spaces.Box(0, 255, (2, 2), np.uint8)
    assert observation_space(image) == Box(((0.0, 0.0),) * 2, ((1.0, 1.0),) * 2)
    assert observed(image, np.full((1, 2, 2), 255, np.uint8)).max() == 1
    assert observed(spaces.MultiBinary(2), [[0, 1]]).dtype == np.float32
    matrix = spaces.Box(-1.0, 1.0, (2, 1))
    assert action_space(matrix).shape == (2,) and performed(matrix, np.array([[3.0, -0.5]])).tolist() == [
        [[1.0], [-0.5]]
    ]


class Odd(Walked):
    """Another space."""

    def __init__(self, kind="observation_space", space=None):
        super().__init__()
        setattr(self, kind, space)


class Untold(SyncVectorEnv):
    """Says nothing of how it restarts."""

    def __init__(self):
        super().__init__([Walked])
        self.metadata = {}


class Misled(Walked):
    """A mask of another size."""

    def info(self):
        return {"action_mask": np.ones(5, np.int8)}


class Spoiled(Walked):
    """One fault from the second step on, in `what`."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    def step(self, action):
        obs, reward, ended, cut, info = super().step(action)
        if self.what == "mask":
            info = {"action_mask": np.zeros(3, np.int8)}
        return obs, float("nan") if self.what == "reward" else reward, ended, cut, info


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hosted(Odd(space=spaces.Dict({"a": spaces.Discrete(2)}))), "FlattenObservation"),
        (lambda: hosted(Odd(space=spaces.Tuple([spaces.Discrete(2)]))), "these are in Tuple"),
        (lambda: hosted(Odd("action_space", spaces.MultiDiscrete([2, 2]))), "these are in MultiDiscrete"),
        (lambda: hosted("CartPole-v1"), "not str"),
        (lambda: hosted(Untold()), "an autoreset_mode, one of NextStep, SameStep, Disabled"),
        (lambda: fit(A2C(envs=2, **ON), hosted(Walked()), steps=1), "Walked cannot be copied"),
        (lambda: fit(A2C(envs=8, **ON), made("NextStep", 2), steps=1), "plays 8: say envs=2"),
        (
            lambda: fit(A2C(envs=1, **ON), hosted(Misled()), steps=1),
            r"3 actions and a mask of the shape \(5,\)",
        ),
        (lambda: fit(A2C(envs=1, **ON), hosted(Spoiled("reward")), steps=1), "a reward is not finite"),
        (lambda: fit(A2C(envs=1, **ON), hosted(Spoiled("mask")), steps=1), "every action is illegal by its"),
        (lambda: fit(A2C(envs=1, illegal="penalty"), hosted(Walked()), steps=1), "hosted.*masked=False"),
        (lambda: fit(REINFORCE(width=8, depth=1), hosted(Walked()), steps=1), "Walked is played in Python"),
        (lambda: fit(A2C(envs=1, **ON), hosted(Walked()), steps=1, seeds=2), "one seed at a time"),
        (lambda: fit(A2C(), Walked(), steps=1), "ansatz.rl.hosted"),
        (lambda: hosted(Odd("action_space", spaces.Box(-1.0, 1.0, (1,))), True), "continuous actions"),
    ],
)
def test_bad_input_gets_a_sentence(call, words):
    with pytest.raises(BadInput, match=words):
        call()


def test_without_gymnasium_a_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    monkeypatch.delitem(sys.modules, "ansatz.rl.hosted")
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'ansatz\[gym\]'"):
        importlib.import_module("ansatz.rl.hosted")


@pytest.mark.filterwarnings("ignore")
def test_the_lander_is_trained():
    pytest.importorskip("Box2D", reason="LunarLander needs Box2D, which is not installed")
    env = hosted(gymnasium.make("LunarLander-v3"))
    run = fit(PPO(envs=2, steps=64, width=8, depth=1), env, steps=2)
    assert run.status is Status.finished and env.observations.shape == (8,) and env.actions == Discrete(4)
