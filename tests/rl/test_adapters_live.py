"""gymnax and pgx themselves, where they are installed: a thousand random steps, and training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import Status
from ansatz.rl.a2c import A2C
from ansatz.rl.adapters import Observed, from_gymnax, from_pgx
from ansatz.rl.alphazero import AlphaZero
from ansatz.rl.check import check
from ansatz.training.fit import fit

STEPS = 1000


@pytest.fixture(autouse=True)
def promotion():
    """Let types be promoted as for everyone: both packages rely on it."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module")
def gymnax():
    """The package."""
    return pytest.importorskip("gymnax", reason="gymnax is not installed")


@pytest.fixture(scope="module")
def pgx():
    """The package."""
    return pytest.importorskip("pgx", reason="pgx is not installed")


def same(ours, theirs):
    """Assert that every leaf is the same, and return how often the episode was over."""
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6), ours, theirs)
    return np.asarray(theirs[2]).sum(), np.asarray(theirs[3]).sum()


@pytest.mark.parametrize(
    ("name", "limit"), [("CartPole-v1", 25), ("Pendulum-v1", 40), ("Breakout-MinAtar", 300)]
)
def test_gymnax_step_for_step(gymnax, name, limit):
    outer, params = gymnax.make(name)
    params = params.replace(max_steps_in_episode=limit)
    env = check(from_gymnax(outer, params))
    form = getattr(env.actions, "shape", ())

    def one(carry, key):
        obs, state = carry
        drawing, key = jax.random.split(key)
        action = outer.action_space(params).sample(drawing)
        moving, _ = jax.random.split(key)  # as the package splits it
        mine = env.step(Observed(state, obs), jnp.reshape(action, form), moving)
        obs, state, reward, ended, cut, info = outer.step(key, state, action, params)
        theirs = info["final_observation"], reward, ended, cut
        return (obs, state), ((mine.obs, mine.reward, mine.terminated, mine.truncated), theirs)

    first = outer.reset(jax.random.key(1), params)
    ends, cuts = same(*jax.lax.scan(one, first, jax.random.split(jax.random.key(0), STEPS))[1])
    assert (ends > 10) == (name != "Pendulum-v1") and (cuts > 0) == (name != "Breakout-MinAtar")


def test_gymnax_trains(gymnax):
    recipe = A2C(envs=8, steps=8, width=32, depth=1, learning_rate=3e-3)
    run = fit(recipe, from_gymnax(*gymnax.make("CartPole-v1")), steps=600)
    length = run.history["length"]
    assert run.status is Status.finished and np.nanmean(length[-50:]) > 2 * np.nanmean(length[:50])


@pytest.mark.parametrize("name", ["tic_tac_toe", "kuhn_poker", "2048"])
def test_pgx_step_for_step(pgx, name):
    outer = pgx.make(name)
    env = check(from_pgx(outer))

    def one(state, key):
        drawing, moving, anew = jax.random.split(key, 3)
        legal = env.legal(state)
        action = jax.random.categorical(drawing, jnp.where(legal, 0.0, -jnp.inf)).astype(jnp.int32)
        mine = env.step(state, action, moving)
        after = outer.step(state, action, jax.random.key_data(moving))
        told = mine.obs, jnp.reshape(mine.reward, (-1,)), mine.terminated, mine.truncated, mine.state
        theirs = after.observation, after.rewards, after.terminated, after.truncated, after
        fresh = env.reset(anew)
        over = after.terminated | after.truncated
        return jax.tree.map(lambda a, b: jnp.where(over, a, b), fresh, mine.state), (told, theirs)

    keys = jax.random.split(jax.random.key(0), STEPS)
    ends, _ = same(*jax.lax.scan(one, env.reset(jax.random.key(1)), keys)[1])
    assert ends > 0


def test_pgx_trains(pgx):
    recipe = AlphaZero(games=8, steps=4, simulations=8, batch=32, batches=2, capacity=512, width=16, depth=1)
    run = fit(recipe, from_pgx(pgx.make("tic_tac_toe")), steps=20)
    assert run.status is Status.finished and np.isfinite(run.history["policy"]).all()
    assert 5 <= np.nanmean(run.history["length"]) <= 9
