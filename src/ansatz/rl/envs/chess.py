"""Chess: two players, perfect information, all rules; the moves are legal ones by construction."""

import functools
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt32

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Env, Step, everywhere
from ansatz.rl.envs._chess_moves import (
    BISHOP,
    KING,
    KNIGHT,
    PLANES,
    Position,
    in_check,
    legal_moves,
    move,
    takes_in_passing,
)
from ansatz.rl.envs._chess_text import START, drawn, position_of

CHANNELS = 18
PATIENCE = 100
"""The plies without a capture or a pawn's move after which the game is drawn."""
CHUNK = 2048


def _keys(*shape: int) -> np.ndarray:
    """Return the random words whose exclusive or is a position's fingerprint (Zobrist)."""
    return np.random.default_rng(list(shape)).integers(2**32, size=(*shape, 2), dtype=np.uint32)


PIECES, RIGHTS, PASSED, TURNS = _keys(13, 64), _keys(4), _keys(65), _keys(2)


class ChessState(NamedTuple):
    """`position` as the player to move sees it; `past: [101, 2]`, fingerprints since `clock` was 0.

    `moves` are the legal ones, kept since each step has to look whether there are any.
    """

    position: Position
    past: UInt32[Array, "101 2"]
    moves: Bool[Array, "4672"]


def fingerprint(position: Position) -> UInt32[Array, "2"]:
    """Return 64 bits that tell positions apart, two of which count as one when the same moves are legal."""
    board = jnp.asarray(PIECES)[position.board.astype(jnp.int32) + 6, np.arange(64)]
    rights = jnp.where(position.castling[:, None], jnp.asarray(RIGHTS), jnp.uint32(0))
    passed = jnp.where(takes_in_passing(position), position.passed, 64)
    words = [board, rights, jnp.asarray(PASSED)[passed][None], jnp.asarray(TURNS)[position.ply % 2][None]]
    return jax.lax.reduce(jnp.concatenate(words), np.uint32(0), jax.lax.bitwise_xor, (0,))


def is_dead(board: Int[Array, "64"]) -> Bool[Array, ""]:
    """Tell whether nobody can mate: kings alone but for a knight, or for bishops on squares of one colour."""
    kind = jnp.abs(board)
    minor = (kind == KNIGHT) | (kind == BISHOP)
    others = jnp.any((kind > 0) & (kind != KING) & ~minor)
    dark = (np.arange(64) // 8 + np.arange(64) % 8) % 2 == 0
    one_colour = ~jnp.any((kind == BISHOP) & dark) | ~jnp.any((kind == BISHOP) & ~dark)
    alone = jnp.sum(minor, dtype=jnp.int32) <= 1
    return ~others & (alone | (~jnp.any(kind == KNIGHT) & one_colour))


class Chess(Env):
    """Chess from the position `start`, in Forsyth-Edwards notation.

    Action ``64 plane + square`` has the 73 planes of AlphaZero, and squares ``8 rank + file`` as seen by the
    player to move, whose own back row is rank 0.  The winner gets 1 and the loser -1; a draw is stalemate,
    100 plies without a capture or a pawn's move, the third occurrence of a position, or too few pieces to
    mate.  An observation `[8, 8, 18]` holds planes of the six kinds of own pieces and of the other's, four of
    castling rights, the square passed over, and the clock over 100.

    >>> env = Chess("6k1/5ppp/8/8/8/8/8/R5K1 w - - 0 1")
    >>> print(env.render(env.reset(jax.random.key(0))))
    8 · · · · · · ♚ ·
    7 · · · · · ♟ ♟ ♟
    6 · · · · · · · ·
    5 · · · · · · · ·
    4 · · · · · · · ·
    3 · · · · · · · ·
    2 · · · · · · · ·
    1 ♖ · · · · · ♔ ·
      a b c d e f g h
    """

    start: str = eqx.field(default=START, static=True)

    players: ClassVar[int] = 2

    def __check_init__(self) -> None:
        state, takes_king = _begun(self.start)
        if takes_king:
            raise BadInput(f"The player to move could take the king in {self.start!r}.")
        if not state.moves.any():
            raise BadInput(f"The game is over in {self.start!r}, and none can begin there.")

    @property
    def actions(self) -> Discrete:
        """73 planes of 64 squares."""
        return Discrete(PLANES * 64)

    @property
    def observations(self) -> Box:
        """18 planes of 8 × 8 squares."""
        return everywhere(0.0, 1.0, 8, 8, CHANNELS)

    def reset(self, key: PRNGKeyArray) -> ChessState:
        """Return the position `start`."""
        return jax.tree.map(jnp.asarray, _begun(self.start)[0])

    def step(self, state: ChessState, action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Make a legal move."""
        position = move(state.position, action)
        mark = fingerprint(position)
        earlier = jnp.arange(PATIENCE + 1, dtype=jnp.int32) < position.clock
        times = jnp.sum(earlier & jnp.all(state.past == mark[None, :], axis=1), dtype=jnp.int32)
        past = state.past.at[jnp.minimum(position.clock, PATIENCE)].set(mark)
        moves = legal_moves(position)
        stuck = ~jnp.any(moves)
        mate = stuck & in_check(position)
        draw = (position.clock >= PATIENCE) | is_dead(position.board) | (times >= 2)
        after = ChessState(position, past, moves & ~draw)
        mover = 1 - 2 * (state.position.ply % 2)
        reward = jnp.where(mate, mover * jnp.array([1, -1], jnp.int32), 0).astype(jnp.float32)
        return Step(after, self.observe(after), reward, stuck | draw, jnp.zeros((), bool))

    def observe(self, state: ChessState) -> Float[Array, "8 8 18"]:
        """Return the planes as the player to move sees them."""
        position = state.position
        kinds = np.arange(1, 7, dtype=np.int8)
        own = position.board[:, None] == kinds[None, :]
        others = position.board[:, None] == -kinds[None, :]
        rights = jnp.broadcast_to(position.castling[None, :], (64, 4))
        passed = jnp.arange(64, dtype=jnp.int32)[:, None] == position.passed
        clock = jnp.full((64, 1), position.clock.astype(jnp.float32) / PATIENCE)
        planes = jnp.concatenate([own, others, rights, passed], axis=1).astype(jnp.float32)
        return jnp.concatenate([planes, jnp.minimum(clock, 1.0)], axis=1).reshape(8, 8, CHANNELS)

    def legal(self, state: ChessState) -> Bool[Array, "4672"]:
        """Return which moves are legal; none when the game is over."""
        return state.moves

    def player(self, state: ChessState) -> Int[Array, ""]:
        """Return whose turn it is, 0 White's."""
        return state.position.ply % 2

    def render(self, state: ChessState) -> str:
        """Return the board from White's side."""
        return drawn(state.position)


@functools.lru_cache(maxsize=256)
def _begun(fen: str) -> tuple[ChessState, bool]:
    """Return the first state, as NumPy arrays, and whether the player to move could take the king."""
    with jax.ensure_compile_time_eval():
        state, takes_king = jax.tree.map(np.asarray, _first_state(position_of(fen)))
    return state, bool(takes_king)


@jax.jit
def _first_state(position: Position) -> tuple[ChessState, Bool[Array, ""]]:
    past = jnp.zeros((PATIENCE + 1, 2), jnp.uint32)
    past = past.at[jnp.minimum(position.clock, PATIENCE)].set(fingerprint(position))
    over = (position.clock >= PATIENCE) | is_dead(position.board)
    swapped = -position.board.reshape(8, 8)[::-1].reshape(-1)
    moves = legal_moves(position) & ~over
    return ChessState(position, past, moves), in_check(position._replace(board=swapped))


_legal_of = jax.jit(jax.vmap(legal_moves))
_moved = jax.jit(jax.vmap(move))


def _taken(positions: Position, rows: Any) -> Position:
    return jax.tree.map(lambda x: x[rows], positions)


def _piece(positions: Position, start: int, count: int) -> tuple[Position, int]:
    """Return `CHUNK` positions from `start`, the last repeated, and how many of them count."""
    rows = np.minimum(np.arange(start, start + CHUNK), count - 1)
    return _taken(positions, rows), min(CHUNK, count - start)


def _merged(positions: Position, times: np.ndarray) -> tuple[Position, np.ndarray]:
    """Return different positions once each, with how often they occur; clock and ply play no part."""
    rows = np.column_stack([positions.board, positions.castling, positions.passed]).astype(np.int8)
    text = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).reshape(-1)
    _, first, inverse = np.unique(text, return_index=True, return_inverse=True)
    return _taken(positions, first), np.bincount(inverse, times).astype(np.int64)


def _level(positions: Position, times: np.ndarray, last: bool) -> tuple[int, Position, np.ndarray]:
    """Return how many moves there are in all, and where they lead, unless this is the last level."""
    total, parts, weights = 0, [], []
    for start in range(0, len(times), CHUNK):
        some, size = _piece(positions, start, len(times))
        legal = np.asarray(_legal_of(some))[:size]
        total += int(legal.sum(axis=1) @ times[start : start + size])
        row, action = np.nonzero(legal[: 0 if last else size])
        for at in range(0, len(row), CHUNK):
            taken = np.minimum(np.arange(at, at + CHUNK), len(row) - 1)
            moved = _moved(_taken(some, row[taken]), action[taken].astype(np.int32))
            parts.append(_taken(jax.tree.map(np.asarray, moved), slice(min(CHUNK, len(row) - at))))
        weights.append(times[start + row])
    if not parts:
        return total, positions, times[:0]
    return total, *_merged(jax.tree.map(lambda *p: np.concatenate(p), *parts), np.concatenate(weights))


def perft(fen: str, depth: int) -> list[int]:
    """Return how many sequences of 1, 2, ..., `depth` legal moves there are from a position.

    All positions of a level are expanded together, equal ones once.  The rules about draws play no part.

    >>> perft(START, 2)
    [20, 400]
    """
    if depth < 1:
        raise BadInput(f"Moves are counted to a depth of at least 1, not {depth}.")
    positions = jax.tree.map(lambda x: np.asarray(x)[None], position_of(fen))
    times, found = np.ones(1, np.int64), []
    for level in range(depth):
        total, positions, times = _level(positions, times, last=level == depth - 1)
        found.append(total)
    return found
