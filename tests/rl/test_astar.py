"""A* against exact distances, and against a plain breadth-first search: shortest ways, expansions counted."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import CartPole

from ansatz.core import BadInput
from ansatz.rl.astar import Solutions, hashed, solve
from ansatz.rl.distances import puzzle_distances, puzzle_index, unrank
from ansatz.rl.envs.puzzle import Puzzle, PuzzleState
from ansatz.rl.envs.tic_tac_toe import TicTacToe

KEY = jax.random.key(5)
ENV = Puzzle(limit=10)
COUNT, MOST = 24, 40


class Listed(eqx.Module):
    """An estimate by a list of all positions."""

    table: jax.Array

    def __call__(self, state: PuzzleState) -> jax.Array:
        return self.table[puzzle_index(state)]


@pytest.fixture(scope="module")
def distance() -> np.ndarray:
    return puzzle_distances()


@pytest.fixture(scope="module")
def exact(distance: np.ndarray) -> Listed:
    return Listed(jnp.asarray(distance, jnp.float32))


@pytest.fixture(scope="module")
def states() -> PuzzleState:
    return jax.vmap(ENV.reset)(jax.random.split(KEY, COUNT))


@pytest.fixture(scope="module")
def away(distance: np.ndarray, states: PuzzleState) -> np.ndarray:
    return distance[np.asarray(puzzle_index(states))]


@pytest.fixture(scope="module")
def noisy(exact: Listed) -> Listed:
    """Distances with an error that belongs to the position, of a deviation of two moves."""
    return Listed(exact.table + 2 * jax.random.normal(KEY, exact.table.shape))


@pytest.fixture(scope="module")
def searched(noisy: Listed, states: PuzzleState) -> Solutions:
    return solve(ENV, noisy, states, 64, MOST)


@jax.jit
def follow(states: PuzzleState, actions: jax.Array) -> jax.Array:
    """Return after how many of the moves each position is solved, -1 where it never is."""

    def one(carry, action):
        state, at, over = carry
        legal = jax.vmap(lambda s, a: ENV.legal(s)[a])(state, action)
        step = jax.vmap(ENV.step, (0, 0, None))(state, jnp.maximum(action, 0), KEY)
        over = jnp.where((over < 0) & (action >= 0) & legal & step.terminated, at + 1, over)
        return (step.state, at + 1, over), None

    first = (states, jnp.zeros((), jnp.int32), jnp.full(COUNT, -1, jnp.int32))
    return jax.lax.scan(one, first, actions.T)[0][2]


@pytest.mark.parametrize("expansions", [1, 64])
def test_with_exact_distances_every_way_is_a_shortest_one(expansions, exact, states, away):
    found = solve(ENV, exact, states, expansions, MOST)
    assert np.asarray(found.moves).tolist() == away.tolist() == follow(states, found.actions).tolist()
    # Nothing is expanded but the way itself.
    assert np.asarray(found.expanded).tolist() == away.tolist()
    assert np.asarray(found.largest).tolist() == np.minimum(away, expansions).tolist()


def test_without_an_estimate_ways_that_fit_into_one_move_are_shortest(distance, exact):
    near = np.flatnonzero((distance > 0) & (distance <= 5))[-COUNT:]
    states = PuzzleState(jnp.asarray(unrank(near, 9)), jnp.zeros(COUNT, jnp.int32))
    found = solve(ENV, Listed(jnp.zeros_like(exact.table)), states, 64, MOST)
    assert np.asarray(found.moves).tolist() == distance[near].tolist()
    # All that is nearer to the start comes first, and of what is as far as the end any part.
    for tiles, count, far in zip(states.tiles, np.asarray(found.expanded), distance[near], strict=True):
        sizes = layers(np.asarray(tiles), far)
        assert sum(sizes[:-1]) <= count < sum(sizes)


def layers(tiles: np.ndarray, depth: int) -> list[int]:
    """Return how many positions are 0, …, depth moves away, by a search in plain Python."""
    level = {tuple(tiles.tolist())}
    known, sizes = set(level), [1]
    for _ in range(depth):
        level = {after for one in level for after in neighbours(one)} - known
        known |= level
        sizes.append(len(level))
    return sizes


def neighbours(tiles: tuple[int, ...]) -> list[tuple[int, ...]]:
    found, blank = [], tiles.index(0)
    for row, column in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        r, c = blank // 3 + row, blank % 3 + column
        if 0 <= r < 3 and 0 <= c < 3:
            new = list(tiles)
            new[blank], new[3 * r + c] = new[3 * r + c], 0
            found.append(tuple(new))
    return found


def test_an_estimate_that_errs_costs_expansions_and_never_more_than_allowed(searched, states, away):
    moves, expanded = np.asarray(searched.moves), np.asarray(searched.expanded)
    solved = moves >= 0
    assert solved.mean() > 0.9 and (moves[solved] == follow(states, searched.actions)[solved]).all()
    assert (moves[solved] >= away[solved]).all() and (moves == away).mean() > 0.5
    assert (expanded >= away).all() and expanded.sum() > 1.5 * away.sum()
    assert (expanded[solved] <= 64 * moves[solved]).all() and np.asarray(searched.largest).max() == 64
    assert (np.asarray(searched.actions) >= 0).sum(1)[solved].tolist() == moves[solved].tolist()


def test_who_expands_more_before_a_move_finds_shorter_ways(searched, noisy, states):
    few = solve(ENV, noisy, states, 1, MOST)
    lengths = [np.where(np.asarray(x.moves) < 0, 2 * MOST, x.moves).sum() for x in (few, searched)]
    assert lengths[1] < lengths[0] and np.asarray(few.largest).max() == 1


def test_a_way_that_would_take_more_moves_than_allowed_is_none(exact, states, away):
    found = solve(ENV, exact, states, 2, 20)
    assert (np.asarray(found.moves) == np.where(away <= 20, away, -1)).all() and (away > 20).any()
    assert (np.asarray(found.actions)[away > 20] == -1).all() and found.actions.shape == (COUNT, 20)


def test_each_position_is_searched_for_itself(searched, noisy, states):
    again = solve(ENV, noisy, jax.tree.map(lambda x: x[::-1], states), 64, MOST)
    for one, other in zip(searched, again, strict=True):
        assert np.array_equal(one, other[::-1])


def test_hashes_tell_observations_apart():
    found = np.asarray(jax.vmap(hashed)(jnp.eye(500)))
    assert len(np.unique(found[:, 0])) == 500 == len(np.unique(found[:, 1]))
    assert np.array_equal(hashed(jnp.zeros(3)), hashed(-jnp.zeros(3)))


def test_bad_input_gets_a_sentence(exact, states):
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (ENV, {"expansions": 0}, "expansions is an integer of at least 1"),
        (ENV, {"most": 0}, "most is an integer of at least 1"),
        (ENV, {"weight": 0.0}, "weight is a number above 0"),
        (TicTacToe(), {}, "TicTacToe has 2 players, and A. searches for one"),
        (CartPole(), {"expansions": -1}, "expansions is an integer of at least 1"),
    ]
    for env, options, words in cases:
        with pytest.raises(BadInput, match=words):
            solve(env, exact, states, **options)
