"""The sliding puzzle: one player; the 8-puzzle has 181,440 positions, none further than 31 moves."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

MOVES = np.array([[-1, 0], [1, 0], [0, -1], [0, 1]], np.int32)
"""Where the blank goes: up, down, left, right."""


class PuzzleState(NamedTuple):
    """`tiles: [side²]` row by row, 0 the blank; `time`: the moves made."""

    tiles: Int[Array, " cells"]
    time: Int[Array, ""]


class Puzzle(Env):
    """Tiles 1, 2, ... on a square of side × side cells, in order when the blank is last.

    Actions 0 to 3 move the blank up, down, left and right.  Each move costs 1, so that with a discount of 1
    the best return is minus the distance; the episode ends when the tiles are in order, and is cut off after
    `limit` moves.  An episode begins `scramble` random moves from the end, and with ``scramble = 0`` in a
    position drawn uniformly among all that can be solved; a neighbour stands in for the solved
    one.  An observation `[side, side, side²]` says for each cell, as indicators, which tile it holds.

    >>> env = Puzzle(scramble=8)
    >>> print(env.render(env.solved))
    1 2 3
    4 5 6
    7 8 ·
    """

    side: int = eqx.field(default=3, static=True)
    scramble: int = eqx.field(default=0, static=True)
    limit: int = eqx.field(default=200, static=True)

    def __check_init__(self) -> None:
        if self.side < 2:
            raise BadInput(f"A sliding puzzle has a side of at least 2 cells, not {self.side}.")
        if self.scramble < 0 or self.limit < 1:
            found = f"scramble = {self.scramble}, limit = {self.limit}"
            raise BadInput(f"A sliding puzzle has scramble >= 0 and limit >= 1, not {found}.")

    @property
    def solved(self) -> PuzzleState:
        """The position in which the tiles are in order."""
        tiles = (jnp.arange(self.side**2, dtype=jnp.int32) + 1) % self.side**2
        return PuzzleState(tiles, jnp.zeros((), jnp.int32))

    @property
    def actions(self) -> Discrete:
        """Up, down, left, right."""
        return Discrete(4)

    @property
    def observations(self) -> Box:
        """Indicators of the tile in each cell."""
        return everywhere(0.0, 1.0, self.side, self.side, self.side**2)

    def reset(self, key: PRNGKeyArray) -> PuzzleState:
        """Return a position that can be solved, and is not."""
        drawing, mending = jax.random.split(key)
        if self.scramble:
            keys = jax.random.split(drawing, self.scramble)
            state = jax.lax.scan(lambda s, k: (self.inverse_moves(s, k), None), self.solved, keys)[0]
        else:
            state = self._uniform(drawing)
        done = jnp.all(state.tiles == self.solved.tiles)
        nearby = self.inverse_moves(self.solved, mending).tiles
        return PuzzleState(jnp.where(done, nearby, state.tiles), state.time)

    def _uniform(self, key: PRNGKeyArray) -> PuzzleState:
        """Return a position drawn uniformly among all that can be solved."""
        tiles = jax.random.permutation(key, self.solved.tiles)
        blank = jnp.argmin(tiles)
        first = jnp.where(blank == 0, 1, 0)
        second = jnp.where(blank <= 1, 2, 1)
        swapped = tiles.at[first].set(tiles[second]).at[second].set(tiles[first])
        tiles = jnp.where(self._solvable(tiles), tiles, swapped)
        return PuzzleState(tiles, jnp.zeros((), jnp.int32))

    def _solvable(self, tiles: Int[Array, " cells"]) -> Bool[Array, ""]:
        """Tell whether a permutation is even together with the way of the blank to its corner."""
        later = np.triu(np.ones((self.side**2, self.side**2), bool), 1)
        # The blank counts as the last tile, as it stands in the solved position.
        number = (tiles - 1) % self.side**2
        inversions = jnp.sum((number[:, None] > number[None, :]) & later, dtype=jnp.int32)
        row, column = jnp.divmod(jnp.argmin(tiles).astype(jnp.int32), self.side)
        way = 2 * (self.side - 1) - row - column
        return (inversions + way) % 2 == 0

    def _slide(self, tiles: Int[Array, " cells"], action: Int[Array, ""]) -> Int[Array, " cells"]:
        """Move the blank within the square; against the edge it stays."""
        blank = jnp.argmin(tiles).astype(jnp.int32)
        row, column = jnp.divmod(blank, self.side)
        place = jnp.stack([row, column]) + jnp.asarray(MOVES)[action]
        inside = jnp.all((place >= 0) & (place < self.side))
        target = jnp.where(inside, place[0] * self.side + place[1], blank)
        return tiles.at[blank].set(tiles[target]).at[target].set(0)

    def step(self, state: PuzzleState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Move the blank."""
        after = PuzzleState(self._slide(state.tiles, action), state.time + 1)
        solved = jnp.all(after.tiles == self.solved.tiles)
        truncated = ~solved & (after.time >= self.limit)
        return Step(after, self.observe(after), jnp.full((), -1, jnp.float32), solved, truncated)

    def observe(self, state: PuzzleState) -> Float[Array, "side side cells"]:
        """Return for each cell the indicators of its tile."""
        cells = self.side**2
        return jax.nn.one_hot(state.tiles, cells, dtype=jnp.float32).reshape(self.side, self.side, cells)

    def _inside(self, tiles: Int[Array, " cells"]) -> Bool[Array, "4"]:
        """Return which moves leave the blank within the square."""
        row, column = jnp.divmod(jnp.argmin(tiles).astype(jnp.int32), self.side)
        place = jnp.stack([row, column])[None, :] + MOVES
        return jnp.all((place >= 0) & (place < self.side), axis=1)

    def legal(self, state: PuzzleState) -> Bool[Array, "4"]:
        """Return which moves leave the blank within the square; none when the puzzle is solved."""
        return self._inside(state.tiles) & ~jnp.all(state.tiles == self.solved.tiles)

    def inverse_moves(self, state: PuzzleState, key: PRNGKeyArray) -> PuzzleState:
        """Return a neighbour drawn uniformly: every move can be undone."""
        logits = jnp.where(self._inside(state.tiles), 0.0, -jnp.inf)
        action = jax.random.categorical(key, logits)
        return PuzzleState(self._slide(state.tiles, action), jnp.zeros((), jnp.int32))

    def render(self, state: PuzzleState) -> str:
        """Return the square, a line for each row."""
        width = len(str(self.side**2 - 1))
        rows = np.asarray(state.tiles).reshape(self.side, self.side)
        return "\n".join(" ".join((str(tile) if tile else "·").rjust(width) for tile in row) for row in rows)
