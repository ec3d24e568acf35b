"""What every game obeys: shapes and types that stay, masks, rewards that cancel, the same in a batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.rl.env import Box, Discrete
from ansatz.rl.envs.chess import Chess
from ansatz.rl.envs.connect_four import ConnectFour
from ansatz.rl.envs.cube import Cube
from ansatz.rl.envs.kuhn import Kuhn
from ansatz.rl.envs.leduc import Leduc
from ansatz.rl.envs.matrix_games import climbing, no_scissors
from ansatz.rl.envs.puzzle import Puzzle
from ansatz.rl.envs.tic_tac_toe import TicTacToe

GAMES = {
    "tic_tac_toe": TicTacToe(),
    "connect_four": ConnectFour(),
    "puzzle": Puzzle(limit=20),
    "cube": Cube(scramble=2, limit=20),
    "kuhn": Kuhn(),
    "leduc": Leduc(),
    "no_scissors": no_scissors(),
    "climbing": climbing(),
    "chess": Chess(),
}
ZERO_SUM = set(GAMES) - {"climbing", "puzzle", "cube"}
EPISODES, STEPS = 32, 44


def rollout(env, key):
    """Play one episode at random and record it; after its end nothing changes."""

    def one(carry, key):
        state, ended = carry
        legal = env.legal(state)
        action = jax.random.categorical(key, jnp.where(legal, 0.0, -jnp.inf)).astype(jnp.int32)
        step = env.step(state, action, key)
        done = step.terminated | step.truncated
        after = jax.tree.map(lambda a, b: jnp.where(ended, a, b), state, step.state)
        return (after, ended | done), (state, action, legal, step, env.player(state), ended)

    start = env.reset(jax.random.fold_in(key, 1))
    return jax.lax.scan(one, (start, jnp.zeros((), bool)), jax.random.split(key, STEPS))[1]


@pytest.fixture(scope="module", params=GAMES)
def played(request):
    env = GAMES[request.param]
    keys = jax.random.split(jax.random.key(0), EPISODES)
    return request.param, env, jax.tree.map(np.asarray, jax.jit(jax.vmap(lambda k: rollout(env, k)))(keys))


def test_observations_lie_in_their_space(played):
    _, env, (_, _, _, step, _, ended) = played
    assert isinstance(env.observations, Box) and step.obs.shape[2:] == env.observations.shape
    seen = step.obs[~ended]
    assert seen.dtype == np.float32 and (np.asarray(env.observations.low) <= seen).all()
    assert (seen <= np.asarray(env.observations.high)).all()


def test_masks_allow_something_until_the_end(played):
    name, env, (_, action, legal, step, player, ended) = played
    assert isinstance(env.actions, Discrete) and legal.shape[2:] == (env.actions.n,) and legal.dtype == bool
    assert legal.any(axis=2)[~ended].all()
    assert np.take_along_axis(legal, action[..., None], 2)[~ended].all()
    over = step.terminated & ~ended
    assert not legal[:, 1:][over[:, :-1]].any()
    assert player.dtype == np.int32 and (player[~ended] >= 0).all() and (player[~ended] < env.players).all()
    assert name == "chess" or ended[:, -1].all()


def test_rewards_have_an_entry_a_player(played):
    name, env, (_, _, _, step, _, ended) = played
    reward = step.reward[~ended]
    assert reward.dtype == np.float32 and reward.shape[1:] == (() if env.players == 1 else (env.players,))
    assert name not in ZERO_SUM or (reward.sum(axis=-1) == 0).all()
    assert env.players == 1 or name == "chess" or (reward[~step.terminated[~ended]] == 0).all()


def test_nothing_is_both_ended_and_cut_off(played):
    name, _, (_, _, _, step, _, ended) = played
    assert not (step.terminated & step.truncated)[~ended].any()
    assert (step.truncated[~ended].any()) == (name in {"puzzle", "cube"})


def test_a_step_alone_is_the_step_of_the_batch(played):
    name, env, (state, action, _, step, _, _) = played
    run = jax.jit(env.step) if name == "chess" else env.step
    for episode, time in ((0, 0), (3, 1)):
        at = jax.tree.map(lambda x: jnp.asarray(x[episode, time]), state)  # noqa: B023
        alone = run(at, jnp.asarray(action[episode, time]), jax.random.key(0))
        batch = jax.tree.map(lambda x: x[episode, time], step)  # noqa: B023
        for one, other in zip(jax.tree.leaves(alone), jax.tree.leaves(batch), strict=True):
            assert one.dtype == other.dtype and one.shape == other.shape and (np.asarray(one) == other).all()


def test_types_stay_in_double_precision_too(played):
    _, env, _ = played
    with jax.enable_x64(True):
        key = jax.random.key(0)
        state = jax.eval_shape(env.reset, key)
        step = jax.eval_shape(env.step, state, jax.ShapeDtypeStruct((), jnp.int32), key)
        legal = jax.eval_shape(env.legal, state)
    assert jax.tree.structure(state) == jax.tree.structure(step.state)
    pairs = zip(jax.tree.leaves(state), jax.tree.leaves(step.state), strict=True)
    assert all(one.dtype == other.dtype and one.shape == other.shape for one, other in pairs)
    assert all(one.dtype not in (jnp.float64, jnp.int64) for one in jax.tree.leaves((state, step)))
    assert legal.dtype == bool and step.obs.dtype == jnp.float32


def test_states_are_drawn(played):
    _, env, (state, *_) = played
    drawn = [env.render(jax.tree.map(lambda x, at=at: x[0, at], state)) for at in (0, 1)]
    assert drawn[0].strip() and all(text == text.rstrip("\n") for text in drawn) and drawn[0] != drawn[1]
