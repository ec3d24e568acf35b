"""Tic-tac-toe: two players, perfect information, 5,478 positions; a draw when both play well."""

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

LINES = np.array(
    [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]], np.int32
)
"""The rows, the columns and the diagonals, as cells."""
SYMBOLS = {1: "X", -1: "O", 0: "·"}


class TicTacToeState(NamedTuple):
    """`marks: [9]` row by row, 1 the first player's, -1 the second's, 0 empty; `over`: the game has ended."""

    marks: Int[Array, "9"]
    turn: Int[Array, ""]
    over: Bool[Array, ""]


class TicTacToe(Env):
    """Three in a row on 3 × 3 cells; action a marks cell a, row by row.

    The winner gets 1 and the loser -1, both 0 for a draw.  An observation `[3, 3, 2]` holds a plane of the
    marks of the player to move and one of the other's.

    >>> import jax
    >>> env = TicTacToe()
    >>> key = jax.random.key(0)
    >>> state = env.reset(key)
    >>> for cell in (4, 0, 8):
    ...     state = env.step(state, jax.numpy.asarray(cell), key).state
    >>> print(env.render(state))
    O · ·
    · X ·
    · · X
    """

    players: ClassVar[int] = 2

    @property
    def actions(self) -> Discrete:
        """The nine cells."""
        return Discrete(9)

    @property
    def observations(self) -> Box:
        """Two planes of 3 × 3 cells."""
        return everywhere(0.0, 1.0, 3, 3, 2)

    def reset(self, key: PRNGKeyArray) -> TicTacToeState:
        """Return the empty board."""
        return TicTacToeState(jnp.zeros(9, jnp.int32), jnp.zeros((), jnp.int32), jnp.zeros((), bool))

    def step(self, state: TicTacToeState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Mark a cell."""
        mark = 1 - 2 * state.turn
        marks = state.marks.at[action].set(mark)
        won = jnp.any(jnp.all(marks[LINES] == mark, axis=1))
        over = won | jnp.all(marks != 0)
        after = TicTacToeState(marks, 1 - state.turn, over)
        reward = jnp.where(won, mark * jnp.array([1, -1], jnp.int32), 0).astype(jnp.float32)
        return Step(after, self.observe(after), reward, over, jnp.zeros((), bool))

    def observe(self, state: TicTacToeState) -> Float[Array, "3 3 2"]:
        """Return the planes of the player to move and of the other."""
        mark = 1 - 2 * state.turn
        planes = jnp.stack([state.marks == mark, state.marks == -mark], axis=-1)
        return planes.reshape(3, 3, 2).astype(jnp.float32)

    def legal(self, state: TicTacToeState) -> Bool[Array, "9"]:
        """Return which cells are free; none when the game is over."""
        return (state.marks == 0) & ~state.over

    def player(self, state: TicTacToeState) -> Int[Array, ""]:
        """Return whose turn it is."""
        return state.turn

    def render(self, state: TicTacToeState) -> str:
        """Return the board as three lines."""
        rows = np.asarray(state.marks).reshape(3, 3)
        return "\n".join(" ".join(SYMBOLS[int(mark)] for mark in row) for row in rows)
