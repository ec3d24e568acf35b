"""gymnax and pgx, by environments that follow their documented interfaces."""

import dataclasses
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import CartPole

from ansatz.core import BadInput, Status
from ansatz.rl.a2c import A2C
from ansatz.rl.adapters import from_gymnax, from_pgx
from ansatz.rl.check import check
from ansatz.rl.env import Box, Discrete
from ansatz.training.fit import fit

KEY = jax.random.key(0)


def record(cls):
    """A dataclass that JAX takes apart, with flax's `replace`."""
    cls = jax.tree_util.register_dataclass(dataclasses.dataclass(frozen=True)(cls))
    cls.replace = dataclasses.replace
    return cls


@record
class PoleState:
    """What gymnax's CartPole knows, with a time of Python's."""

    numbers: Any
    time: Any


@record
class PoleParams:
    """The limit alone."""

    max_steps_in_episode: Any = 12


class Pole:
    """CartPole with the interface of gymnax 0.0.9: `done` for an end and for the limit."""

    name, default_params = "CartPole-v1", PoleParams()

    def reset(self, key, params=None):
        numbers = CartPole().reset(key)[0]
        return numbers, PoleState(numbers, 0)

    def _moved(self, key, state, action):
        step = CartPole(limit=10**6).step((state.numbers, state.time), action, key)
        return PoleState(step.obs, state.time + 1), step

    def is_terminal(self, state, params):
        x, _, angle, _ = state.numbers
        fell = (jnp.abs(x) > 2.4) | (jnp.abs(angle) > 12 * 2 * np.pi / 360)
        return fell | (state.time >= params.max_steps_in_episode)

    def step_env(self, key, state, action, params):
        after, step = self._moved(key, state, action)
        return step.obs, after, jnp.array(1.0), self.is_terminal(after, params), {"discount": 0.0}

    def action_space(self, params):
        return types.SimpleNamespace(n=2, shape=())

    def observation_space(self, params):
        high = jnp.array([4.8, 1e3, 0.4, 1e3])
        return types.SimpleNamespace(low=-high, high=high, shape=(4,))


class NewPole(Pole):
    """CartPole with the interface of gymnax 1.0: `step_env` tells an end, and `is_truncated` a cut."""

    def step_env(self, key, state, action, params):
        after, step = self._moved(key, state, action)
        return step.obs, after, jnp.array(1.0), step.terminated, {}

    def is_truncated(self, state, params):
        return state.time >= params.max_steps_in_episode


class Motor(Pole):
    """A continuous action in a box of the shape ()."""

    def action_space(self, params):
        return types.SimpleNamespace(low=-1.0, high=1.0, shape=())

    def step_env(self, key, state, action, params):
        assert action.shape == ()
        return super().step_env(key, state, (action > 0).astype(jnp.int32), params)


@pytest.mark.parametrize("kind", [Pole, NewPole])
def test_gymnax_ends_and_cuts_as_our_own(kind):
    env, ours = check(from_gymnax(kind())), CartPole(limit=12)
    assert env.actions == Discrete(2) and env.observations.shape == (4,)
    step, right = jax.jit(env.step), jax.jit(ours.step)
    kinds = set()
    for seed, tilted in ((0, False), (1, True)):
        state, truth = env.reset(jax.random.key(seed)), ours.reset(jax.random.key(seed))
        for t in range(12):
            action = jnp.asarray(1 if tilted else t % 2, jnp.int32)
            one, two = step(state, action, KEY), right(truth, action, KEY)
            np.testing.assert_allclose(one.obs, two.obs, atol=1e-6)
            assert np.array_equal(env.observe(one.state), one.obs)
            assert (bool(one.terminated), bool(one.truncated)) == (bool(two.terminated), bool(two.truncated))
            state, truth = one.state, two.state
            if bool(one.terminated | one.truncated):
                kinds.add(bool(one.terminated))
                break
    assert kinds == {True, False} and int(state.state.time) < 12


@pytest.mark.parametrize("kind", [Pole, NewPole])
def test_a_limit_that_is_part_of_the_task_is_an_end(kind):
    env = from_gymnax(kind(), PoleParams(1), limit="end")
    step = env.step(env.reset(KEY), jnp.asarray(0), KEY)
    assert bool(step.terminated) and not bool(step.truncated)


def test_gymnax_trains_compiled():
    recipe = A2C(envs=4, steps=8, width=8, depth=1)
    run = fit(recipe, from_gymnax(Pole()), steps=30)
    assert run.status is Status.finished and 8 < np.nanmean(run.history["length"]) <= 12
    env = check(from_gymnax(Motor()))
    assert env.actions == Box((-1.0,), (1.0,))
    assert bool(jnp.isfinite(env.step(env.reset(KEY), jnp.ones(1), KEY).obs).all())


@record
class NimState:
    """What every state of pgx has, and the stones."""

    current_player: Any
    observation: Any
    rewards: Any
    terminated: Any
    truncated: Any
    legal_action_mask: Any
    stones: Any


class Nim:
    """Take one or two of five stones; who takes the last wins.  Who begins is drawn, as pgx draws it."""

    num_players, num_actions, stones = 2, 2, 5

    def init(self, key):
        player = jax.random.bernoulli(key).astype(jnp.int32)
        return self._at(jnp.int32(self.stones), player, jnp.zeros(2, jnp.float32))

    def _at(self, stones, player, rewards):
        seen = jnp.arange(6) < stones
        legal = jnp.array([True, False]) | (stones > 1) | (stones == 0)
        return NimState(player, seen, rewards, stones == 0, jnp.bool_(False), legal, stones)

    def step(self, state, action, key=None):
        left = state.stones - action - 1
        won = jnp.where(jnp.arange(2) == state.current_player, 1.0, -1.0).astype(jnp.float32)
        return self._at(left, 1 - state.current_player, jnp.where(left == 0, won, 0.0))


class Patience(Nim):
    """One player, in the interface of pgx 1.x: `step` takes no key, and the reward is of one."""

    num_players = 1

    def init(self, key):
        return super().init(key).replace(current_player=jnp.int32(0), rewards=jnp.zeros(1, jnp.float32))

    def step(self, state, action):  # type: ignore[override]
        after = super().step(state, action)
        return after.replace(current_player=jnp.int32(0), rewards=after.rewards[:1])


def test_a_game_of_pgx_is_a_game_here():
    env = check(from_pgx(Nim()))
    assert env.players == 2 and env.actions == Discrete(2)
    assert env.observations == Box((0.0,) * 6, (1.0,) * 6)
    first = {int(env.player(env.reset(key))) for key in jax.random.split(KEY, 20)}
    assert first == {0, 1}
    state = env.reset(KEY)
    who = int(env.player(state))
    for take in (1, 1):
        step = env.step(state, jnp.asarray(take, jnp.int32), KEY)
        assert step.reward.tolist() == [0, 0] and not bool(step.terminated)
        state = step.state
    assert int(env.player(state)) == who and env.legal(state).tolist() == [True, False]
    assert env.observe(state).tolist() == [1, 0, 0, 0, 0, 0]
    step = env.step(state, jnp.asarray(0, jnp.int32), KEY)
    assert bool(step.terminated) and not bool(step.truncated)
    assert step.reward[who] == 1 and step.reward[1 - who] == -1


def test_pgx_of_one_player_has_a_reward_that_is_a_number():
    env = check(from_pgx(Patience()))
    assert not env.keyed and env.players == 1
    assert env.step(env.reset(KEY), jnp.asarray(1, jnp.int32), KEY).reward.shape == ()


class Nested(Pole):
    """Observations in a dictionary."""

    def observation_space(self, params):
        return types.SimpleNamespace(spaces={}, num_spaces=0)


class Blank(Nim):
    """States without a mask."""

    def init(self, key):
        return {"observation": jnp.zeros(2)}


def test_bad_input_gets_a_sentence():
    for call, words in (
        (lambda: from_gymnax(Nim()), "Nim has no reset"),
        (lambda: from_gymnax(Nested()), "observations of CartPole-v1 are in the space SimpleNamespace"),
        (lambda: from_gymnax(Pole(), limit="cuts"), "did you mean 'cut'"),
        (lambda: from_pgx(Pole()), "Pole has no init"),
        (lambda: from_pgx(Blank()), "that of Blank has no observation"),
    ):
        with pytest.raises(BadInput, match=words):
            call()
