"""Connect four on 7 columns of 6 cells: two players, perfect information; who begins can force a win."""

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

ROWS, COLUMNS, LENGTH = 6, 7, 4
CELLS, BITS = np.arange(ROWS, dtype=np.int32), np.arange(COLUMNS, dtype=np.int32)
SYMBOLS = {1: "●", -1: "○", 0: "·"}


class ConnectFourState(NamedTuple):
    """`lines: [2, 6]`, each player's discs from the bottom row up, bit c of a row being column c; `over`."""

    lines: Int[Array, "2 6"]
    turn: Int[Array, ""]
    over: Bool[Array, ""]

    @property
    def discs(self) -> Any:
        """The board `[6, 7]`, 1 where a disc of the first player is, -1 where one of the second's."""
        own = (self.lines[..., None] >> BITS.reshape([1] * self.lines.ndim + [COLUMNS])) & 1
        return own[..., 0, :, :] - own[..., 1, :, :]


def has_four(lines: Int[Array, "6"]) -> Bool[Array, ""]:
    """Tell whether four of the cells stand in a row, a column or a diagonal, column c being bit c.

    >>> bool(has_four(1 << jnp.arange(6))), bool(has_four(jnp.array([7, 7, 7, 0, 0, 0])))
    (True, False)
    """
    pairs = lines & (lines >> 1)
    found = [pairs & (pairs >> 2)]
    for lean in (-1, 0, 1):
        rows = [lines[k : ROWS - LENGTH + 1 + k] for k in range(LENGTH)]
        first, *others = (row << k if lean < 0 else row >> (k * lean) for k, row in enumerate(rows))
        found.append(first & others[0] & others[1] & others[2])
    return jnp.any(jnp.concatenate(found) != 0)


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
        empty = jnp.zeros((2, ROWS), jnp.int32)
        return ConnectFourState(empty, jnp.zeros((), jnp.int32), jnp.zeros((), bool))

    def step(self, state: ConnectFourState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Drop a disc."""
        taken, column = state.lines[0] | state.lines[1], jnp.left_shift(1, action.astype(jnp.int32))
        height = jnp.sum((taken & column) != 0, dtype=jnp.int32)
        disc = jnp.where(CELLS == height, column, 0)
        lines = jnp.where((CELLS[:2] == state.turn)[:, None], state.lines | disc[None, :], state.lines)
        won = has_four(jnp.where(state.turn == 0, lines[0], lines[1]))
        over = won | ((taken | disc)[-1] == 2**COLUMNS - 1)
        after = ConnectFourState(lines, 1 - state.turn, over)
        mover = 1 - 2 * state.turn
        reward = jnp.where(won, mover * jnp.array([1, -1], jnp.int32), 0).astype(jnp.float32)
        return Step(after, self.observe(after), reward, over, jnp.zeros((), bool))

    def observe(self, state: ConnectFourState) -> Float[Array, "6 7 2"]:
        """Return the planes of the player to move and of the other."""
        own = state.discs * (1 - 2 * state.turn)
        return jnp.stack([own == 1, own == -1], axis=-1).astype(jnp.float32)

    def legal(self, state: ConnectFourState) -> Bool[Array, "7"]:
        """Return which columns have room; none when the game is over."""
        top = state.lines[0, ROWS - 1] | state.lines[1, ROWS - 1]
        return (((top >> BITS) & 1) == 0) & ~state.over

    def player(self, state: ConnectFourState) -> Int[Array, ""]:
        """Return whose turn it is."""
        return state.turn

    def render(self, state: ConnectFourState) -> str:
        """Return the board, the top row first, above the numbers of the columns."""
        rows = np.asarray(state.discs)[::-1]
        lines = [" ".join(SYMBOLS[int(mark)] for mark in row) for row in rows]
        return "\n".join([*lines, " ".join(map(str, range(COLUMNS)))])
