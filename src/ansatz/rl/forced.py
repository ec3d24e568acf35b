"""Forced wins, by trying all moves: an and-or search of a game of two, to a number of moves (mate in two).

    wins(s, n) = some move wins at once, or n > 1 and every answer to it leads to a state that wins in n - 1

Moves are tried in batches, many positions at once.  One answer refutes a move, and most answers refute most
moves: to every move left one answer is tried, then two, four, ..., first what has refuted other moves.
What is told is a proof, for a move and against it; no judgement of positions plays a part.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from ansatz.core import BadInput
from ansatz.rl.dqn import discrete_actions
from ansatz.rl.env import Env
from ansatz.rl.rollout import check_sizes

CHUNK = 256
"""The moves that are tried at once; what is over is filled up with the last."""


class Tried(NamedTuple):
    """What moves led to: `state: [N, ...]`, what is `legal`, if the game is `over`, if the mover `won`."""

    state: PyTree
    legal: np.ndarray
    over: np.ndarray
    won: np.ndarray


class Forced(NamedTuple):
    """`actions: [n]`, which actions force a win; `tried`: how many moves were tried for the proof."""

    actions: np.ndarray
    tried: int


def forced(env: Env, state: PyTree, moves: int = 2) -> Forced:
    """Return which actions win at once or force a win within so many moves of the player to move.

    A win is an end that pays the winner more than 0.

    Args:
        env: a game of two players who move in turn, without chance, rewards at ends alone.
        state: one state; `env` may be another of the same rules (`Chess()` for any position of chess), and
            what was compiled for one state serves for all.
        moves: n, at least 1.

    >>> from ansatz.rl.envs.tic_tac_toe import TicTacToe
    >>> env, key = TicTacToe(), jax.random.key(0)
    >>> state = env.reset(key)
    >>> for cell in (0, 1):  # X in a corner, O beside it: only three cells win by force
    ...     state = env.step(state, jnp.asarray(cell), key).state
    >>> np.flatnonzero(forced(env, state, 3).actions).tolist()
    [3, 4, 6]

    Raises:
        BadInput: the game is not one of two, has continuous actions, or its players do not take turns.
    """
    check_sizes(moves=moves)
    count = discrete_actions(env, "The search for a forced win")
    if env.players != 2:
        raise BadInput(f"A win is forced in a game of two, and {type(env).__name__} has {env.players}.")
    search = _Search(env)
    first = jax.tree.map(lambda x: np.asarray(x)[None], state)
    legal = env.legal(jax.tree.map(jnp.asarray, state))
    _, action, won = search.attack(first, np.asarray(legal)[None], moves)
    found = np.zeros(count, bool)
    found[action[won]] = True
    return Forced(found, search.tried)


@eqx.filter_jit
def _step(env: Env, states: PyTree, actions: Any) -> tuple[Any, ...]:
    key = jax.random.key(0)

    def one(state: Any, action: Array) -> tuple[Any, ...]:
        step, mover = env.step(state, action, key), env.player(state)
        stays = (env.player(step.state) == mover) & ~step.terminated
        won = step.terminated & (step.reward[mover] > 0)
        return step.state, env.legal(step.state), step.terminated, won, stays

    return jax.vmap(one)(states, actions)


def _taken(tree: PyTree, rows: Any) -> PyTree:
    return jax.tree.map(lambda x: x[rows], tree)


class _Search:
    """The moves tried so far, and the two sides of the search."""

    def __init__(self, env: Env):
        self.env, self.tried = env, 0

    def step(self, states: PyTree, row: np.ndarray, action: np.ndarray) -> Tried:
        """Return what an action leads to in the state of a row each."""
        parts = []
        for start in range(0, len(row), CHUNK):
            some = np.minimum(np.arange(start, start + CHUNK), len(row) - 1)
            told = _step(self.env, _taken(states, row[some]), action[some].astype(np.int32))
            parts.append(_taken(jax.tree.map(np.asarray, told), slice(min(CHUNK, len(row) - start))))
        self.tried += len(row)
        state, legal, over, won, stays = jax.tree.map(lambda *p: np.concatenate(p), *parts)
        if stays.any():
            raise BadInput(f"In {type(self.env).__name__} a player moves twice; forced wins need turns.")
        return Tried(state, legal, over, won)

    def attack(self, states: PyTree, legal: np.ndarray, moves: int) -> tuple[np.ndarray, ...]:
        """Return all moves, as rows of `states: [N, ...]` and actions, and which win within `moves`."""
        row, action = np.nonzero(legal)
        if not len(row):
            return row, action, np.zeros(0, bool)
        led = self.step(states, row, action)
        good, going = led.won.copy(), np.flatnonzero(~led.over)
        if moves > 1 and len(going):
            good[going] = self.defend(_taken(led.state, going), led.legal[going], moves - 1)
        return row, action, good

    def defend(self, states: PyTree, legal: np.ndarray, moves: int) -> np.ndarray:
        """Tell at which of `states: [N, ...]` every answer leads to one that wins within `moves`."""
        held, left = np.ones(len(legal), bool), legal.copy()
        refuted, width = np.zeros(legal.shape[1]), 1
        while len(waiting := np.flatnonzero(held & left.any(1))):
            order = np.argsort(-refuted, kind="stable")
            some = left[waiting][:, order]
            which, place = np.nonzero(some & (np.cumsum(some, axis=1) <= width))
            row, answer = waiting[which], order[place]
            left[row, answer] = False
            led = self.step(states, row, answer)
            # An end that the defender brings about is no win: he has won, or it is drawn.
            lost, going = np.zeros(len(row), bool), np.flatnonzero(~led.over)
            if len(going):
                at, _, won = self.attack(_taken(led.state, going), led.legal[going], moves)
                lost[going] = np.bincount(at, won, minlength=len(going)) > 0
            held[row[~lost]] = False
            np.add.at(refuted, answer[~lost], 1)
            width = 1 if not refuted.any() else 2 * width
        return held
