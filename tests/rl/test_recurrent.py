"""Policies of histories: what was shown some steps ago is remembered, and what is no history is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.rl.dqn import DQN
from ansatz.rl.env import Discrete
from ansatz.rl.envs.recall import Recall
from ansatz.rl.evaluate import evaluate
from ansatz.rl.ppo import PPO
from ansatz.rl.recurrent import Memory, Recurrent
from ansatz.rl.trpo import TRPO
from ansatz.training.fit import fit

KEY = jax.random.key(0)
SMALL = {
    "envs": 16,
    "steps": 32,
    "passes": 4,
    "minibatches": 4,
    "learning_rate": 1e-2,
    "gamma": 0.95,
    "width": 16,
    "depth": 1,
}


def test_a_memory_recalls_the_cue():
    """Without one the mean return of every policy is 0."""
    recipe = Recurrent(PPO(**SMALL), length=6, hidden=8)
    run = fit(recipe, Recall(4), steps=60)
    world = recipe.world(Recall(4))
    assert evaluate(world, run.model, 200).mean() > 0.95
    begun = jax.vmap(world.reset)(jax.random.split(KEY, 8))
    values = jax.vmap(run.model.value)(jax.vmap(world.observe)(begun))
    np.testing.assert_allclose(values, 0.95**4, atol=0.15)


def test_rows_from_before_the_beginning_say_nothing():
    world = Recurrent(PPO(), length=5).world(Recall(2))
    memory = Memory(world.observations, 4, key=KEY)
    rows = jax.random.normal(KEY, (3, world.observations.shape[1]))
    padded = jnp.concatenate([jnp.zeros((2, rows.shape[1])), rows])
    np.testing.assert_allclose(memory(padded), memory(rows), atol=1e-6)
    assert np.abs(memory(rows) - memory(rows[::-1])).max() > 1e-2
    slope = eqx.filter_grad(lambda m: m(padded).sum())(memory)
    assert all(float(jnp.abs(leaf).max()) > 0 for leaf in jax.tree.leaves(slope.cell))


def test_recall_is_what_it_says():
    env = Recall(2)
    state = env.reset(KEY)
    sign = float(env.observe(state)[0])
    assert sign in (-1, 1) and env.render(state) == {1: "+", -1: "-"}[int(sign)]
    for shown in ([0.0, 0.0], [0.0, 1.0]):
        step = env.step(state, jnp.asarray(1), KEY)
        state = step.state
        assert step.obs.tolist() == shown and float(step.reward) == 0 and not bool(step.terminated)
    assert env.render(state) == "?"
    for action in range(2):
        step = env.step(state, jnp.asarray(action), KEY)
        assert bool(step.terminated) and float(step.reward) == (sign if action == 1 else -sign)


def test_bad_input_gets_a_sentence():
    for recipe, words in (
        (Recurrent(TRPO()), "memory, and not for TRPO"),
        (Recurrent(DQN()), "memory, and not for DQN"),
        (Recurrent(PPO(normalize=True)), "normalize=False"),
        (Recurrent(PPO(), hidden=0), "at least one number"),
        (Recurrent(PPO(), length=0), "at least one row"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(recipe, Recall(), steps=1)
    with pytest.raises(BadInput, match="after at least one step"):
        Recall(0)
    with pytest.raises(BadInput, match=r"\[length, features\]"):
        Memory(Discrete(3), 4, key=KEY)
