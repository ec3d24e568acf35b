"""A time limit cuts off, a gust blows by its chance, a history remembers; names find environments."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Env, Step
from ansatz.rl.envs.cartpole import CartPole
from ansatz.rl.envs.cliff_walking import CliffWalking
from ansatz.rl.envs.deep_sea import DeepSea
from ansatz.rl.envs.mountain_car import MountainCar
from ansatz.rl.envs.names import NAMES, make
from ansatz.rl.envs.pendulum import Pendulum
from ansatz.rl.envs.probes import Endless
from ansatz.rl.envs.taxi import Taxi
from ansatz.rl.wrappers import Gust, History, TimeLimit, unwrapped

KEY = jax.random.key(0)


class Duel(CartPole):
    """An environment of two players, in name."""

    players = 2


def play(env, actions, key=KEY):
    """Return the steps of some actions, as one compiled scan."""
    first, rest = jax.random.split(key)

    def body(state, given):
        step = env.step(state, *given)
        return step.state, step

    keys = jax.random.split(rest, len(actions))
    return jax.jit(lambda: jax.lax.scan(body, env.reset(first), (jnp.asarray(actions), keys))[1])()


def test_time_limit_truncates_and_never_terminates():
    steps = play(TimeLimit(Endless(), 4), np.zeros(6, np.int32))
    assert steps.truncated.tolist() == [False, False, False, True, True, True]
    assert not steps.terminated.any()


def test_an_end_at_the_limit_is_an_end():
    steps = play(TimeLimit(DeepSea(3), 3), np.zeros(3, np.int32))
    assert steps.terminated.tolist() == steps.truncated.tolist() == [False, False, True]


def test_limits_nest():
    steps = play(TimeLimit(TimeLimit(Endless(), 2), 3), np.zeros(3, np.int32))
    assert steps.truncated.tolist() == [False, True, True]
    assert unwrapped(TimeLimit(Gust(Taxi(), 0.1), 3)) == Taxi()


@pytest.mark.parametrize("chance", [0.0, 0.3])
def test_gust_blows_by_its_chance(chance):
    env, state, action = Gust(Taxi(), chance), jnp.asarray(((0 * 5 + 0) * 5 + 0) * 4 + 1, jnp.int32), 0
    legal = np.flatnonzero(env.legal(state)).tolist()
    assert legal == [0, 2, 4]
    count = 20_000
    keys = jax.random.split(KEY, count)
    after = np.asarray(jax.jit(jax.vmap(lambda key: env.step(state, jnp.asarray(action), key).state))(keys))
    table = Taxi().outcomes().state[int(state), :, 0]
    found = {a: float(np.mean(after == table[a])) for a in range(6)}
    expected = {a: chance / 3 * (a in legal) + (1 - chance) * (a == action) for a in range(6)}
    assert found == pytest.approx(expected, abs=4 * np.sqrt(0.25 / count))


def test_gust_of_numbers_is_uniform():
    env = Gust(Pendulum(), 1.0)
    keys = jax.random.split(KEY, 5000)
    upright = jnp.zeros(2)
    turning = np.asarray(jax.vmap(lambda key: env.step(upright, jnp.zeros(1), key).state[1])(keys))
    torque = turning / 0.15
    assert torque.min() >= -2 and torque.max() <= 2
    assert abs(torque.mean()) < 0.06 and torque.std() == pytest.approx(4 / np.sqrt(12), rel=0.03)


def test_history_is_gymnasiums_stack_of_frames():
    env, actions = History(make("MountainCar-v0"), 4, False), [2, 0, 1, 2, 2, 0]
    steps = play(env, np.asarray(actions, np.int32))
    theirs = gymnasium.wrappers.FrameStackObservation(
        gymnasium.make("MountainCar-v0", disable_env_checker=True), 4, padding_type="zero"
    )
    theirs.reset()
    first = env.reset(jax.random.split(KEY)[0])
    theirs.unwrapped.state = np.asarray(first.rows[-1], float)
    theirs.obs_queue[-1][:] = np.asarray(first.rows[-1])
    for at, action in enumerate(actions):
        obs, *_ = theirs.step(action)
        np.testing.assert_allclose(steps.obs[at], obs, atol=1e-6)


def test_history_tells_what_was_done():
    env = History(CliffWalking(), 3)
    assert isinstance(env.observations, Box) and env.observations.shape == (3, 48 + 4)
    actions = [0, 1, 1, 3]
    steps = play(env, np.asarray(actions, np.int32))
    rows = np.asarray(steps.obs[-1])
    assert rows[:, :48].argmax(1).tolist() == [25, 26, 25]
    assert rows[:, 48:].argmax(1).tolist() == actions[1:]
    first = np.asarray(env.observe(env.reset(KEY)))
    assert first.sum() == 1 and first[2, 36] == 1


def test_history_makes_the_hidden_seen():
    class Places(MountainCar):
        """A mountain car whose velocity is not seen."""

        @property
        def observations(self):
            return Box((-1.2,), (0.6,))

        def observe(self, state):
            return state[:1]

        def step(self, state, action, key) -> Step:
            step = super().step(state, action, key)
            return step._replace(obs=step.state[:1])

    steps = play(History(Places(), 2, False), np.asarray([2, 2, 2, 0], np.int32))
    velocity = steps.obs[:, 1, 0] - steps.obs[:, 0, 0]
    np.testing.assert_allclose(velocity[1:], steps.state.state[1:, 1], atol=1e-6)


def test_players_pass_through():
    assert Duel().players == TimeLimit(Duel(), 3).players == 2
    assert TimeLimit(CartPole(), 3).players == 1


def test_backwards_through_a_limit_and_not_through_a_history():
    env = TimeLimit(CliffWalking(), 9)
    state = env.reset(KEY)
    before = env.inverse_moves(state, KEY)
    assert int(before.state) in range(24, 35) and int(before.count) == 0
    with pytest.raises(BadInput, match="not known"):
        History(CliffWalking(), 2).inverse_moves(History(CliffWalking(), 2).reset(KEY), KEY)


@pytest.mark.parametrize(
    ("make_it", "sentence"),
    [
        (lambda: TimeLimit(CartPole(), 0), "at least one step"),
        (lambda: Gust(CartPole(), 1.2), "1.2"),
        (lambda: Gust(Unbounded(), 0.1), "Unbounded"),
        (lambda: History(CartPole(), 0), "at least one row"),
        (lambda: History(Duel(), 2), "2 players"),
        (lambda: make("CartPole-v0"), "did you mean 'CartPole-v1'"),
        (lambda: make("taxi"), "did you mean 'Taxi-v4'"),
        (lambda: make("DeepSea", sise=3), "did you mean 'size'"),
        (lambda: make("CliffWalkingSlippery-v1", depth=3), "takes none"),
    ],
)
def test_wrong_input_gets_a_sentence(make_it, sentence):
    with pytest.raises(BadInput, match=sentence):
        make_it()


class Unbounded(Pendulum):
    """A pendulum turned by any torque."""

    @property
    def actions(self):
        return Box((-np.inf,), (np.inf,))


def test_names_make_what_they_say():
    assert make("DeepSea", size=3) == DeepSea(3)
    assert make("FrozenLake8x8-v1", success=0.5).env.rows[0] == "S" + 7 * "F"
    assert all(isinstance(make(name), Env) for name in NAMES)
    assert all(isinstance(make(name).actions, Discrete | Box) for name in NAMES)
