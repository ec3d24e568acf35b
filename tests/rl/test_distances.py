"""The sliding puzzle and the pocket cube against their graphs, searched breadth first."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.rl.distances import (
    cube_distances,
    cube_index,
    puzzle_distances,
    puzzle_index,
    rank,
    unrank,
)
from ansatz.rl.envs.cube import MOVES, Cube
from ansatz.rl.envs.puzzle import Puzzle, PuzzleState

KEY = jax.random.key(0)
CUBE = [1, 9, 54, 321, 1847, 9992, 50136, 227536, 870072, 1887748, 623800, 2644]


@pytest.fixture(scope="module")
def distance() -> np.ndarray:
    return puzzle_distances()


def test_rank_is_the_place_in_the_lexicographic_order():
    listed = np.array(list(itertools.permutations(range(5))))
    assert rank(listed).tolist() == list(range(120))
    assert (unrank(np.arange(120), 5) == listed).all()
    assert (np.asarray(jax.jit(lambda p: rank(p, jnp))(jnp.asarray(listed))) == np.arange(120)).all()


def test_the_8_puzzle_has_its_known_distances(distance: np.ndarray):
    counts = np.bincount(distance[distance >= 0])
    assert counts[:6].tolist() == [1, 2, 4, 8, 16, 20] and len(counts) == 32
    assert counts.sum() == math.factorial(9) // 2 and counts[31] == 2 and counts[30] == 221


def test_distances_of_the_small_puzzle():
    found = puzzle_distances(2)
    assert np.bincount(found[found >= 0]).tolist() == [1, 2, 2, 2, 2, 2, 1]
    with pytest.raises(BadInput, match="side 2 or 3"):
        puzzle_distances(4)


@eqx.filter_jit
def begin(env, count: int):
    """Return states that episodes begin with."""
    return jax.vmap(env.reset)(jax.random.split(KEY, count))


@eqx.filter_jit
def neighbours(env, states):
    """Return all that one action leads to, `[n, actions]`, and whether it is legal."""
    actions = jnp.arange(env.actions.n, dtype=jnp.int32)
    steps = jax.vmap(lambda s: jax.vmap(lambda a: env.step(s, a, KEY))(actions))(states)
    return steps, jax.vmap(env.legal)(states)


def test_every_move_of_the_puzzle_is_one_step_in_the_graph(distance: np.ndarray):
    env = Puzzle()
    states = begin(env, 512)
    steps, legal = neighbours(env, states)
    here = distance[np.asarray(puzzle_index(states))]
    there = distance[np.asarray(puzzle_index(steps.state))]
    legal = np.asarray(legal)
    assert (here > 0).all() and 18 < here.mean() < 25
    assert (abs(there - here[:, None])[legal] == 1).all() and (there == here[:, None])[~legal].all()
    assert (np.where(legal, there, 99).min(axis=1) == here - 1).all()
    assert (np.asarray(steps.terminated) == ((there == 0) & legal)).all()
    assert 2 <= legal.sum(axis=1).min() and legal.sum(axis=1).max() == 4


def test_random_positions_of_the_puzzle_are_uniform():
    env = Puzzle(side=2)
    states = begin(env, 6000)
    counts = np.bincount(np.asarray(puzzle_index(states)), minlength=24)
    found = puzzle_distances(2)
    assert (counts[found < 0] == 0).all() and counts[found == 0].sum() == 0
    # Eleven positions share 1/12 each, and the two neighbours of the solved one share its part.
    expected = 6000 / 12 * np.where(found == 1, 1.5, 1.0) * (found > 0)
    some = expected > 0
    assert ((counts - expected)[some] ** 2 / expected[some]).sum() < 29.6


def test_scrambles_go_so_many_steps_up_the_inverse_tree(distance: np.ndarray):
    # A walk that came back to the solved position is replaced by a neighbour.
    states = begin(Puzzle(scramble=4), 200)
    assert set(distance[np.asarray(puzzle_index(states))].tolist()) == {1, 2, 4}


def test_inverse_moves_are_undone_by_one_action():
    for env in (Puzzle(), Cube()):
        states = begin(env, 512)
        before = jax.jit(jax.vmap(env.inverse_moves))(states, jax.random.split(jax.random.key(1), 512))
        steps, legal = neighbours(env, before)
        same = [
            np.asarray(a == b[:, None]).all(axis=-1)
            for a, b in zip(steps.state[:-1], states[:-1], strict=True)
        ]
        assert (np.logical_and.reduce(same) & np.asarray(legal)).any(axis=1).all()


def test_the_puzzle_is_cut_off_at_its_limit_and_not_when_solved():
    env = Puzzle(limit=2)
    near = PuzzleState(jnp.array([1, 2, 3, 4, 5, 6, 0, 7, 8], jnp.int32), jnp.zeros((), jnp.int32))
    step = jax.jit(env.step)
    one = step(near, jnp.asarray(3), KEY)
    two = step(one.state, jnp.asarray(3), KEY)
    assert [bool(one.terminated), bool(one.truncated)] == [False, False]
    assert [bool(two.terminated), bool(two.truncated)] == [True, False] and float(two.reward) == -1
    away = step(one.state, jnp.asarray(0), KEY)
    assert [bool(away.terminated), bool(away.truncated)] == [False, True]
    assert not env.legal(two.state).any() and env.legal(one.state).tolist() == [True, False, True, True]


def test_the_15_puzzle_moves_and_keeps_to_what_can_be_solved():
    env = Puzzle(side=4)
    states = begin(env, 50)
    assert bool(jnp.all(jax.jit(jax.vmap(env._solvable))(states.tiles)))
    swapped = env.solved.tiles.at[jnp.array([0, 1])].set(jnp.array([2, 1], jnp.int32))
    assert not bool(env._solvable(swapped))
    assert env.render(env.solved).splitlines()[-1] == "13 14 15  ·"


def test_turns_of_the_cube_have_their_orders():
    env = Cube()
    turn = jax.jit(lambda state, action: env.step(state, action, KEY).state)

    def order(*names: str) -> int:
        state, count = env.solved, 0
        while count == 0 or not bool(env.is_solved(state)):
            count += 1
            for name in names:
                state = turn(state, jnp.asarray(MOVES.index(name)))
        return count

    assert [order(name) for name in ("U", "R2", "F'")] == [4, 2, 4]
    assert order("R", "U", "R'", "U'") == 6 and order("R", "U") == 15
    assert order("R", "R'") == 1 and order("U2", "U2") == 1


def test_the_cube_draws_six_faces_of_four():
    env = Cube()
    drawn = env.render(env.solved).splitlines()
    assert drawn == ["    U U", "    U U", "L L F F R R B B", "L L F F R R B B", "    D D", "    D D"]
    text = env.render(jax.jit(env.reset)(KEY)).replace(" ", "").replace("\n", "")
    assert {letter: text.count(letter) for letter in "ULFRBD"} == dict.fromkeys("ULFRBD", 4)


def test_the_cube_has_its_known_distances():
    env, distance = Cube(), cube_distances()
    assert np.bincount(distance).tolist() == CUBE and sum(CUBE) == len(distance) == 3_674_160
    states = begin(env, 512)
    steps, _ = neighbours(env, states)
    here = distance[np.asarray(cube_index(states))]
    there = distance[np.asarray(cube_index(steps.state))]
    assert (there.min(axis=1) == here - 1).all() and (abs(there - here[:, None]) <= 1).all()
    assert 8.5 < here.mean() < 9.2


def test_bad_settings_are_said():
    with pytest.raises(BadInput, match="side of at least 2"):
        Puzzle(side=1)
    with pytest.raises(BadInput, match="limit >= 1"):
        Puzzle(limit=0)
    with pytest.raises(BadInput, match="scramble >= 0"):
        Cube(scramble=-1)
