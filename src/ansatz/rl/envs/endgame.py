"""King and rook, or king and queen, against a king that defends itself as long as it can."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.rl.endgames import ILLEGAL, MOVES, PIECES, Table, table
from ansatz.rl.env import Box, Discrete, Env, Step, everywhere
from ansatz.rl.envs._chess_moves import KING, QUEEN, ROOK
from ansatz.rl.envs._chess_text import FIGURES

APART = 15
"""Two squares are apart by -7 to 7 ranks, and as many files."""


class EndgameState(NamedTuple):
    """The squares of White's king, its piece and Black's king: ``(king · 64 + piece) · 64 + other``."""

    index: Int[Array, ""]


class Endgame(Env):
    """Mate a lone king with king and `piece` (rook or queen), from any position that White to move wins.

    An action below 8 moves the king by one step in a direction (north, north-east, …), and 8 + 7 d + k moves
    the piece by k + 1 steps in direction d.  Black answers with a move that is longest in being mated, chosen
    by chance among such, or takes the piece if it can.  Mate pays 1, stalemate and the loss of the piece 0,
    and all three end it: with a discount below 1 the quickest mate is the best.  An observation `[192]` marks
    the square of each of the three; `relative` ones, `[867]`, also mark on boards of 15 × 15 by how much each
    two are apart, from which attacks are read off at once.

    Source: the table of `ansatz.rl.endgames`; as a game of reinforcement learning, notes, §5.

    >>> env = Endgame("queen")
    >>> env.observations.shape, env.actions.n
    ((192,), 64)
    """

    piece: str = eqx.field(static=True, default="rook")
    relative: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        choose("piece", self.piece, PIECES)

    @property
    def actions(self) -> Discrete:
        """Eight of the king, and 56 of the piece."""
        return Discrete(MOVES)

    @property
    def observations(self) -> Box:
        """Three boards, each with one square marked, and three of differences if `relative`."""
        return everywhere(0.0, 1.0, 192 + 3 * APART**2 * self.relative)

    @property
    def table(self) -> Table:
        """How far each position is from mate."""
        return table(self.piece)

    def reset(self, key: PRNGKeyArray) -> EndgameState:
        """Return one of the positions that White wins, each as likely."""
        won = np.flatnonzero(self.table.white.ravel() >= 0).astype(np.int32)
        return EndgameState(jnp.asarray(won)[jax.random.randint(key, (), 0, len(won))])

    def step(self, state: EndgameState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Return what a legal move of White leads to, after Black's answer."""
        found = self.table
        moved = jnp.asarray(found.leads)[state.index, action]
        replies = jnp.asarray(found.replies)[moved]
        mate = jnp.asarray(found.black.ravel())[moved] == 0
        taken, open_ = jnp.any(replies == -2), replies >= 0
        white = jnp.asarray(found.white.ravel())
        length = jnp.where(open_, white[replies].astype(jnp.int32), jnp.int32(ILLEGAL))
        # A draw is the best that Black can have.
        length = jnp.where(open_ & (length < 0), 1000, length)
        longest = open_ & (length == length.max())
        chosen = jnp.argmax(jnp.where(longest, jax.random.uniform(key, (8,)), -1.0))
        stuck = ~jnp.any(open_) & ~taken
        over = mate | taken | stuck
        after = EndgameState(jnp.where(over, moved, replies[chosen]).astype(jnp.int32))
        return Step(after, self.observe(after), mate.astype(float), over, jnp.zeros((), bool))

    def observe(self, state: EndgameState) -> Float[Array, " size"]:
        """Return the boards, one after another."""
        squares = jnp.stack([state.index // 4096, state.index // 64 % 64, state.index % 64])
        boards = _marked(squares, 64)
        if not self.relative:
            return boards
        rank, file = (x - jnp.roll(x, 1) + 7 for x in (squares // 8, squares % 8))
        return jnp.concatenate([boards, _marked(APART * rank + file, APART**2)])

    def legal(self, state: EndgameState) -> Bool[Array, "64"]:
        """Return which moves are legal."""
        return jnp.asarray(self.table.leads)[state.index] >= 0

    def render(self, state: EndgameState) -> str:
        """Return the board from White's side."""
        index, board = int(state.index), np.zeros(64, int)
        squares = (index // 4096, index // 64 % 64, index % 64)
        for square, piece in zip(
            squares, (KING, ROOK if self.piece == "rook" else QUEEN, -KING), strict=True
        ):
            board[square] = piece
        rows = [
            f"{rank + 1} " + " ".join(FIGURES[one] for one in board[8 * rank : 8 * rank + 8].tolist())
            for rank in range(7, -1, -1)
        ]
        return "\n".join([*rows, "  a b c d e f g h"])


def _marked(places: Int[Array, " k"], size: int) -> Float[Array, " n"]:
    return (places[:, None] == jnp.arange(size, dtype=places.dtype)[None, :]).astype(float).reshape(-1)
