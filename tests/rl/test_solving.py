"""Value iteration before the goal against exact distances, its backups, and A* by what it learned."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import CartPole

from ansatz.core import BadInput
from ansatz.rl.curriculum import Walked, at_depth, walked
from ansatz.rl.distances import puzzle_distances, puzzle_index, unrank
from ansatz.rl.envs.cube import Cube
from ansatz.rl.envs.puzzle import Puzzle, PuzzleState
from ansatz.rl.play import play
from ansatz.rl.player import Evaluation
from ansatz.rl.solving import CurriculumIteration, distances_of
from ansatz.rl.value_iteration import ValueIteration
from ansatz.training.fit import fit
from ansatz.training.step import clock_at

KEY = jax.random.key(7)
SMALL = Puzzle(side=2, limit=30)
LEARNER: dict[str, Any] = {
    "positions": 24,
    "envs": 8,
    "width": 32,
    "depth": 2,
    "minibatches": 1,
    "longest": 12,
}


@pytest.fixture(scope="module")
def distance() -> np.ndarray:
    return puzzle_distances(2)


@pytest.fixture(scope="module")
def player():
    """A training on the twelve positions of the small puzzle, walks from the goal growing longer."""
    return play(
        "Puzzle8", "curriculum", parameters={"side": 2, "limit": 30}, total_steps=32 * 300, every=32 * 300,
        episodes=30, watched=2, deepest=12, kept=0, window=20, learning_rate=3e-3, expansions=4, **LEARNER,
    )  # fmt: skip


def listed(distance: np.ndarray) -> PuzzleState:
    numbers = np.flatnonzero(distance > 0)
    return PuzzleState(jnp.asarray(unrank(numbers, 4)), jnp.zeros(len(numbers), jnp.int32))


def test_the_values_are_minus_the_distances(player, distance):
    states, run = listed(distance), player.run
    value = jax.vmap(lambda s: run.member(0).value(SMALL.observe(s)))(states)
    assert np.abs(np.asarray(value) + distance[distance > 0]).max() < 0.5
    depth = run.history["depth"]
    assert depth[0] == 1 and depth[-1] == 12 and (np.diff(depth) >= 0).all() and np.diff(depth).max() == 1
    assert np.nanmean(run.history["solved"][-50:]) == 1


def test_it_is_judged_by_a_star_which_finds_shortest_ways(player):
    found = player.evaluation.search
    assert (found.positions, found.solved, found.optimal, found.expansions) == (30, 1.0, 1.0, 4)
    assert 0.9 < found.expanded < 2 and found.largest <= 4 and player.env_steps == 9600
    assert "A* of at most 4 expansions a move, it solves 100 % of 30 positions" in found.words


def test_the_judgement_is_kept_with_the_run(player):
    kept = player.evaluation.to_json()
    assert Evaluation.from_json(kept).search == player.evaluation.search
    del kept["search"]
    assert Evaluation.from_json(kept).search is None


def test_targets_are_backups_and_games_move_by_the_best(distance):
    parts = ValueIteration(**LEARNER).build(SMALL, KEY)
    source = parts.source
    state = source.init(parts.model, KEY)
    batch, after = jax.jit(lambda s: source.next(s, parts.model, clock_at(0, 1), KEY))(state)
    obs, target = batch.samples
    assert obs.shape == (32, 2, 2, 4) and target.shape == (32,)

    def looked(tiles: np.ndarray) -> list[float]:
        here = PuzzleState(jnp.asarray(tiles, jnp.int32), jnp.zeros((), jnp.int32))
        steps = [SMALL.step(here, jnp.asarray(a), KEY) for a in np.flatnonzero(SMALL.legal(here))]
        return [-1.0 if s.terminated else -1.0 + float(parts.model.deciding(s.obs)) for s in steps]

    tiles = np.asarray(obs).reshape(32, 4, 4).argmax(-1)
    for one, found in zip(tiles[::4], np.asarray(target)[::4], strict=True):
        assert found == pytest.approx(max(looked(one)), abs=1e-5)
    # The last eight are where the games stood, which then made a move.
    assert np.array_equal(tiles[24:], state.state.state.tiles)
    assert (np.asarray(after.length) <= 1).all()


def test_a_walk_is_as_long_as_the_depth_says_and_never_ends_at_the_goal(distance):
    env = walked(SMALL, 6)
    assert isinstance(env, Walked) and env.levels == 6
    begin = jax.jit(jax.vmap(lambda depth, key: at_depth(env, depth).reset(key), (None, 0)))
    for depth, expected in ((1, {1}), (2, {1, 2}), (6, {1, 2, 3, 4, 5, 6})):
        states = begin(jnp.asarray(depth, jnp.int32), jax.random.split(KEY, 500))
        far = distance[np.asarray(puzzle_index(states))]
        # A walk that came back to the goal goes a move further.
        assert set(far.tolist()) == expected
        assert (np.asarray(states.time) == 0).all()


def test_distances_are_known_of_some():
    cube = Cube(scramble=1)
    states = jax.vmap(cube.reset)(jax.random.split(KEY, 5))
    far = distances_of(cube)
    assert far is not None and far(states).tolist() == [1] * 5
    assert distances_of(Puzzle(side=4)) is None and distances_of(CartPole()) is None


def test_bad_input_gets_a_sentence():
    for recipe, env, words in (
        (ValueIteration(share=0.0), SMALL, "share is a number above 0"),
        (ValueIteration(positions=0), SMALL, "positions is an integer of at least 1"),
        (ValueIteration(longest=0), SMALL, "longest is an integer of at least 1"),
        (ValueIteration(gamma=1.5), SMALL, "1.5"),
        (CurriculumIteration(expansions=-1), SMALL, "expansions is a number of positions"),
        (CurriculumIteration(weight=0.0), SMALL, "weight is a number above 0"),
        (CurriculumIteration(mode="sucess"), SMALL, "did you mean 'success'"),
        (CurriculumIteration(kept=0), CartPole(), "CartPole does not say by `solved`"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(recipe, env, steps=1)
    with pytest.raises(BadInput, match="CartPole has no inverse moves"):
        walked(CartPole(), 3, goal=CartPole().reset(KEY))
