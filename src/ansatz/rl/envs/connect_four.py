"""Connect four on 7 columns of 6 cells: two players, perfect information; who begins can force a win."""

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

ROWS, COLUMNS, LENGTH = 6, 7, 4
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
SYMBOLS = {1: "●", -1: "○", 0: "·"}


class ConnectFourState(NamedTuple):
    """`discs: [6, 7]` from the bottom row up, 1 the first player's, -1 the second's; `over`: it has ended."""

    discs: Int[Array, "6 7"]
    turn: Int[Array, ""]
    over: Bool[Array, ""]


def has_four(own: Bool[Array, "6 7"]) -> Bool[Array, ""]:
    """Tell whether four of the cells stand in a row, a column or a diagonal.

    >>> bool(has_four(jnp.eye(6, 7, dtype=bool))), bool(has_four(jnp.eye(6, 7, -3, dtype=bool)))
    (True, False)
    """
    found = []
    for down, right in DIRECTIONS:
        rows, columns = ROWS - (LENGTH - 1) * down, COLUMNS - (LENGTH - 1) * abs(right)
        first = (LENGTH - 1) * max(-right, 0)
        line = jnp.ones((rows, columns), bool)
        for k in range(LENGTH):
            left = first + k * right
            line = line & own[k * down : k * down + rows, left : left + columns]
        found.append(jnp.any(line))
    return jnp.any(jnp.stack(found))


class ConnectFour(Env):
    """Four in a row; action a drops a disc into column a, from the left.

    The winner gets 1 and the loser -1, both 0 for a draw.  An observation `[6, 7, 2]`, the bottom row first,
    holds a plane of the discs of the player to move and one of the other's.
    """

    players: ClassVar[int] = 2

    @property
    def actions(self) -> Discrete:
        """The seven columns."""
        return Discrete(COLUMNS)

    @property
    def observations(self) -> Box:
        """Two planes of 6 × 7 cells."""
        return everywhere(0.0, 1.0, ROWS, COLUMNS, 2)

    def reset(self, key: PRNGKeyArray) -> ConnectFourState:
        """Return the empty board."""
        empty = jnp.zeros((ROWS, COLUMNS), jnp.int32)
        return ConnectFourState(empty, jnp.zeros((), jnp.int32), jnp.zeros((), bool))

    def step(self, state: ConnectFourState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Drop a disc."""
        mark = 1 - 2 * state.turn
        height = jnp.sum(state.discs != 0, axis=0, dtype=jnp.int32)
        row = jnp.arange(ROWS, dtype=jnp.int32)[:, None] == height[None, :]
        column = jnp.arange(COLUMNS, dtype=jnp.int32) == action.astype(jnp.int32)
        at = row & column[None, :]
        discs = jnp.where(at, mark, state.discs)
        won = has_four(discs == mark)
        over = won | jnp.all(discs != 0)
        after = ConnectFourState(discs, 1 - state.turn, over)
        reward = jnp.where(won, mark * jnp.array([1, -1], jnp.int32), 0).astype(jnp.float32)
        return Step(after, self.observe(after), reward, over, jnp.zeros((), bool))

    def observe(self, state: ConnectFourState) -> Float[Array, "6 7 2"]:
        """Return the planes of the player to move and of the other."""
        mark = 1 - 2 * state.turn
        return jnp.stack([state.discs == mark, state.discs == -mark], axis=-1).astype(jnp.float32)

    def legal(self, state: ConnectFourState) -> Bool[Array, "7"]:
        """Return which columns have room; none when the game is over."""
        return (state.discs[ROWS - 1] == 0) & ~state.over

    def player(self, state: ConnectFourState) -> Int[Array, ""]:
        """Return whose turn it is."""
        return state.turn

    def render(self, state: ConnectFourState) -> str:
        """Return the board, the top row first, above the numbers of the columns."""
        rows = np.asarray(state.discs)[::-1]
        lines = [" ".join(SYMBOLS[int(mark)] for mark in row) for row in rows]
        return "\n".join([*lines, " ".join(map(str, range(COLUMNS)))])
