"""The inverse search tree against exact distances, and that depth grows with success and not without."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import CartPole

from ansatz.core import BadInput, Mean, Source
from ansatz.rl.curriculum import Backwards, Curriculum, Growing, at_depth, backwards
from ansatz.rl.distances import puzzle_distances, puzzle_index, unrank
from ansatz.rl.dqn import DQN
from ansatz.rl.envs.frozen_lake import FrozenLake
from ansatz.rl.envs.puzzle import Puzzle, PuzzleState
from ansatz.rl.evaluate import Seeing, moves_to_end
from ansatz.rl.illegal import Penalized
from ansatz.rl.lookahead import PolicyIteration, ValuePolicy
from ansatz.rl.ppo import PPO
from ansatz.rl.rollout import Episodes
from ansatz.training.fit import fit
from ansatz.training.step import clock_at

KEY = jax.random.key(3)
SMALL = Puzzle(side=2, limit=12)


@pytest.fixture(scope="module")
def distance() -> np.ndarray:
    return puzzle_distances(2)


@pytest.fixture(scope="module")
def tree() -> Backwards:
    return backwards(SMALL, 20, width=16)


def test_levels_of_the_tree_are_distances(tree: Backwards, distance: np.ndarray):
    # All twelve positions, none of them further than six moves: there the tree ends.
    assert tree.levels == 6
    found = distance[np.asarray(puzzle_index(tree.tree))]
    assert (found == np.arange(7)[:, None]).all()
    listed = [len(np.unique(np.asarray(puzzle_index(tree.tree))[level])) for level in range(7)]
    assert listed == [1, 2, 2, 2, 2, 2, 1]


def test_a_narrow_tree_of_the_8_puzzle_keeps_to_its_width_and_never_returns():
    env = backwards(Puzzle(), 12, width=64)
    numbers = np.asarray(puzzle_index(env.tree))
    assert numbers.shape == (13, 64)
    sizes = [len(np.unique(row)) for row in numbers]
    assert sizes[:7] == [1, 2, 4, 8, 16, 20, 39] and 50 < sizes[7] <= 62 and sizes[8:] == [64] * 5
    levels = [set(row.tolist()) for row in numbers]
    assert all(not levels[a] & levels[b] for a in range(13) for b in range(a))


def test_episodes_begin_on_the_levels_up_to_the_depth(tree: Backwards, distance: np.ndarray):
    held = {"env": Penalized(tree), "other": jnp.ones(2)}
    begin = jax.jit(jax.vmap(lambda depth, key: at_depth(held, depth)["env"].reset(key), (None, 0)))
    for depth in (1, 4, 6):
        states = begin(jnp.asarray(depth, jnp.int32), jax.random.split(KEY, 600)).state
        counts = np.bincount(distance[np.asarray(puzzle_index(states))], minlength=7)
        assert counts[0] == 0 and counts[depth + 1 :].sum() == 0
        expected = 600 / depth
        assert ((counts[1 : depth + 1] - expected) ** 2 / expected).sum() < 20
    assert tree.observations == SMALL.observations and tree.actions == SMALL.actions


class Told(NamedTuple):
    episodes: Episodes


class Scripted(Source):
    """Ten episodes a batch, of which as many reach an end as the script says for the step."""

    script: jax.Array

    def init(self, model, key):
        return ()

    def next(self, state, model, clock, key):
        ten = jnp.asarray(10.0)
        return Told(Episodes(Mean(ten, ten), Mean(ten, ten), Mean(self.script[clock.step], ten))), state


def test_depth_grows_by_one_for_each_window_of_success():
    script = jnp.asarray([8, 8, 7, 9, 10, 5, 8, 8, 10, 10.0])
    source = Growing(Scripted(script), 1, 4, 0.8, 20)
    state, depths = source.init(None, KEY), []
    for step in range(10):
        batch, state = source.next(state, None, clock_at(step, 10), KEY)
        assert int(batch.episodes.depth) == (depths[-1] if depths else 1)
        depths.append(int(state.depth))
    # Windows of two batches: 16, 16, 15, 16 and 20 of 20; the depth ends at 4.
    assert depths == [1, 2, 2, 3, 3, 3, 3, 4, 4, 4]
    fixed = Growing(Scripted(script), 3, 3, 0.8, 20)
    state = fixed.init(None, KEY)
    for step in range(4):
        _, state = fixed.next(state, None, clock_at(step, 10), KEY)
    assert int(state.depth) == 3


def test_the_best_policy_of_a_puzzle_is_learned_level_by_level(distance: np.ndarray):
    learner = PolicyIteration(gamma=0.95, steps=16, period=4, width=32, depth=1, learning_rate=5e-3)
    run = fit(Curriculum(learner, window=40, deepest=20, width=16), SMALL, steps=150)
    depth = run.history["depth"]
    assert depth[0] == 1 and depth[-1] == 6 and (np.diff(depth) >= 0).all() and np.diff(depth).max() == 1
    assert np.nanmean(run.history["solved"][-30:]) > 0.95
    numbers = np.flatnonzero(distance > 0)
    states = PuzzleState(jnp.asarray(unrank(numbers, 4)), jnp.zeros(len(numbers), jnp.int32))
    moves = moves_to_end(SMALL, ValuePolicy(SMALL, run.model.value, 0.95), states, 20, KEY)
    assert np.asarray(moves).tolist() == distance[numbers].tolist()


@pytest.mark.parametrize(
    "learner",
    [PPO(envs=4, steps=16, width=8), DQN(envs=4, steps=16, width=8, start=0, capacity=100)],
    ids=["PPO", "DQN"],
)
def test_any_recipe_plays_on_the_tree(learner, distance: np.ndarray):
    parts = Curriculum(learner, mode="fixed", depth=3, width=16).build(SMALL, KEY)
    state = parts.source.init(parts.model, KEY)
    batch, state = jax.jit(lambda s: parts.source.next(s, parts.model, clock_at(0, 1), KEY))(state)
    _, _, metrics = parts.updates[-1].apply(parts.model, (), batch, clock_at(0, 1), KEY)
    assert float(metrics["depth"]) == 3 == int(state.depth)
    assert 0 < float(metrics["solved"].total) <= float(metrics["solved"].weight) == float(state.tried)
    # The model acts in the environment itself, whose positions are further away.
    states = PuzzleState(jnp.asarray(unrank(np.flatnonzero(distance == 1), 4)), jnp.zeros(2, jnp.int32))
    moves = np.asarray(moves_to_end(SMALL, Seeing(SMALL, parts.model), states, 3, KEY))
    assert moves.shape == (2,) and set(moves.tolist()) <= {-1, 1, 3}


def test_without_a_curriculum_it_is_the_learner_alone(tree: Backwards):
    learner = PPO(envs=2, steps=4, minibatches=1, width=8)
    for env in (SMALL, tree):
        parts = Curriculum(learner, mode="none").build(env, KEY)
        assert parts.source.env == SMALL and len(parts.updates) == 2


def test_a_goal_may_be_given():
    env = backwards(FrozenLake(slippery=False), 20, width=8, goal=jnp.asarray(15, jnp.int32))
    levels = [sorted(set(np.asarray(row).tolist())) for row in env.tree]
    assert levels[:3] == [[15], [14], [10, 13]] and levels[-1] == [0] and env.levels == 6


def test_bad_input_gets_a_sentence():
    for recipe, env, words in (
        (Curriculum(PPO(), mode="sucess"), SMALL, "did you mean 'success'"),
        (Curriculum(PPO(), threshold=1.5), SMALL, r"share in \(0, 1\], not 1.5"),
        (Curriculum(PPO(), depth=0), SMALL, "depth is an integer of at least 1"),
        (Curriculum(PPO()), CartPole(), "CartPole does not say by `solved`"),
        (Curriculum(PPO()), 3, "takes an environment .*, not int"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(recipe, env, steps=1)
    with pytest.raises(BadInput, match="CartPole has no inverse moves"):
        backwards(CartPole(), 3, goal=CartPole().reset(KEY))
