"""The rules of chess on arrays: which moves are legal, and what they lead to.

A position is seen by the player to move: square ``8 rank + file`` with rank 0 that player's own back row,
own pieces positive.  A move is ``64 plane + square``, with the planes of AlphaZero: 56 of a direction and a
distance (kings, sliders, pawns, castling as two steps of the king, and promotion to a queen), 8 of knights,
and 9 of promotions to knight, bishop and rook.

Legal moves need no try-out: what gives check has to be taken or blocked, a pinned piece stays on its line,
and the king avoids squares that would be attacked without it.  Only en passant, which takes two pieces off a
rank, is tried.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING, OUTSIDE = range(1, 8)
STEPS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
NORTH, NORTHEAST, EAST, WEST, NORTHWEST = 0, 1, 2, 6, 7
JUMPS = ((2, 1), (1, 2), (-1, 2), (-2, 1), (-2, -1), (-1, -2), (1, -2), (2, -1))
UNDER = ((NORTHWEST, NORTH, NORTHEAST), (KNIGHT, BISHOP, ROOK))
PLANES = 56 + 8 + 9


def _square(rank: int, file: int) -> int:
    return 8 * rank + file if 0 <= rank < 8 and 0 <= file < 8 else 64


def _lines() -> tuple[np.ndarray, np.ndarray]:
    """Return the squares `[65, 8, 7]` along each direction, `[65, 8]` a knight's jump away; 64 is outside."""
    rays, jumps = np.full((65, 8, 7), 64, np.int32), np.full((65, 8), 64, np.int32)
    for square in range(64):
        rank, file = divmod(square, 8)
        for d, (up, right) in enumerate(STEPS):
            rays[square, d] = [_square(rank + k * up, file + k * right) for k in range(1, 8)]
        jumps[square] = [_square(rank + up, file + right) for up, right in JUMPS]
    return rays, jumps


RAYS, LEAPS = _lines()
POWERS = 2 ** np.arange(7, dtype=np.int32)
STRAIGHT = np.arange(8) % 2 == 0
SLIDER = np.where(STRAIGHT, ROOK, BISHOP).astype(np.int8)
UPWARD = np.isin(np.arange(8), [NORTHEAST, NORTHWEST])
AXIS = np.arange(8, dtype=np.int32) % 4
"""The line of a direction, which it shares with the opposite one."""
RANK = np.arange(64) // 8
NEXT = np.ascontiguousarray(RAYS[:64, :, 0].T)
"""The square `[8, 64]` one step away in each direction."""


def _between() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return from each square to each the direction (8: none), 2^(steps - 1) or 0, and if a knight jumps."""
    direction, power, leap = (
        np.full((64, 64), 8, np.int32),
        np.zeros((64, 64), np.int32),
        np.zeros((64, 65), bool),
    )
    for square in range(64):
        for d in range(8):
            reached = RAYS[square, d] < 64
            direction[square, RAYS[square, d][reached]] = d
            power[square, RAYS[square, d][reached]] = POWERS[reached]
        leap[square, LEAPS[square]] = True
    return direction, power, leap[:, :64]


def _targets() -> tuple[np.ndarray, np.ndarray]:
    """Return where each plane leads from each square, `[64, 73]`, and what a pawn becomes there, `[73]`."""
    under = np.repeat(RAYS[:64, list(UNDER[0]), 0], 3, axis=1)
    targets = np.concatenate([RAYS[:64].reshape(64, 56), LEAPS[:64], under], axis=1)
    return targets.astype(np.int32), np.array([QUEEN] * 64 + list(UNDER[1]) * 3, np.int8)


DIRECTION, POWER, LEAP = _between()
TARGETS, BECOMES = _targets()


class Position(NamedTuple):
    """What the rules look at, seen by the player to move.

    `board: [64]` int8, ± the numbers of the pieces.  `castling: [4]`: own king's side and queen's side, then
    the other's.  `passed`: the square that a pawn has just passed over, or -1.  `clock`: plies since a
    capture or a pawn's move.  `ply`: plies since the beginning; Black moves at the odd ones.
    """

    board: Int[Array, "64"]
    castling: Bool[Array, "4"]
    passed: Int[Array, ""]
    clock: Int[Array, ""]
    ply: Int[Array, ""]


def _first(ray: Int[Array, "*n 7"]) -> tuple[Int[Array, "*n"], Int[Array, "*n"]]:
    """Return the first piece along a ray, or 0, and 2^k of its place k; 2^6 where there is none."""
    powers = jnp.broadcast_to(jnp.asarray(POWERS), ray.shape)
    bits = jnp.sum(jnp.where(ray != 0, powers, 0), axis=-1, dtype=jnp.int32)
    low = jnp.where(bits == 0, 64, bits & -bits)
    piece = jnp.sum(jnp.where(powers == low[..., None], ray, jnp.int8(0)), axis=-1, dtype=jnp.int8)
    return piece, low


def _slides(piece: Int[Array, "8"]) -> Bool[Array, "8"]:
    """Tell in which of the directions the other's piece seen there attacks from afar."""
    return (piece == -QUEEN) | (piece == -jnp.asarray(SLIDER))


def attackers(board: Int[Array, "65"], square: Int[Array, ""]) -> Int[Array, ""]:
    """Return how many of the other's pieces attack a square; `board[64]` is `OUTSIDE`."""
    piece, low = _first(board[jnp.asarray(RAYS)[square]])
    near = (low == 1) & ((piece == -KING) | ((piece == -PAWN) & UPWARD))
    leaps = board[jnp.asarray(LEAPS)[square]] == -KNIGHT
    return jnp.sum(_slides(piece) | near, dtype=jnp.int32) + jnp.sum(leaps, dtype=jnp.int32)


class _Threats(NamedTuple):
    """How many pieces give check, where others may move then, and in which direction each is pinned or -1."""

    checks: Int[Array, ""]
    allowed: Bool[Array, "64"]
    pins: Int[Array, "64"]


def _threats(board: Int[Array, "65"], king: Int[Array, ""]) -> _Threats:
    ray = board[jnp.asarray(RAYS)[king]]
    first, low = _first(ray)
    behind, _ = _first(jnp.where(jnp.asarray(POWERS)[None, :] <= low[:, None], jnp.int8(0), ray))
    check = _slides(first) | ((low == 1) & (first == -PAWN) & UPWARD)
    pinned = (first > 0) & (first < OUTSIDE) & _slides(behind)
    leaps = jnp.asarray(LEAP)[king] & (board[:64] == -KNIGHT)
    checks = jnp.sum(check, dtype=jnp.int32) + jnp.sum(leaps, dtype=jnp.int32)
    toward, power = jnp.asarray(DIRECTION)[king], jnp.asarray(POWER)[king]
    nowhere, place = jnp.zeros(1, bool), jnp.append(low, 0)[toward]
    blocks = leaps | (jnp.append(check, nowhere)[toward] & (power <= place))
    pins = jnp.where(jnp.append(pinned, nowhere)[toward] & (power == place), toward, -1)
    return _Threats(checks, (checks == 0) | ((checks == 1) & blocks), pins)


def _passing(position: Position, board: Int[Array, "65"], king: Int[Array, ""]) -> Bool[Array, "8"]:
    """Tell in which directions a pawn may take en passant without giving up its king."""
    taken = position.passed - 8

    def safe(side: int) -> Array:
        origin = jnp.where(position.passed < 0, 64, taken + side)
        row = (origin // 8 == taken // 8) & (position.passed >= 0)
        after = board.at[origin].set(0).at[taken].set(0).at[position.passed].set(PAWN)
        return row & (board[origin] == PAWN) & (attackers(after, king) == 0)

    # A pawn that moves to the north-east stands to the west of the pawn that it takes.
    sides = {NORTHEAST: safe(-1), NORTHWEST: safe(1)}
    return jnp.stack([sides.get(d, jnp.zeros((), bool)) for d in range(8)])


def _king_moves(position: Position, board: Int[Array, "65"], king: Int[Array, ""], checks: Array) -> tuple:
    """Return which of the 8 steps a king may take, and whether it may castle to the east and to the west."""
    ghost = board.at[king].set(0)
    around = jnp.asarray(RAYS)[king, :, 0]
    squares = jnp.concatenate([around, jnp.array([2, 3, 5, 6], jnp.int32)])
    safe = jax.vmap(attackers, (None, 0))(ghost, squares) == 0
    steps = (board[around] <= 0) & safe[:8]
    empty, calm = board[:8] == 0, checks == 0
    east = position.castling[0] & calm & empty[5] & empty[6] & safe[10] & safe[11]
    west = position.castling[1] & calm & empty[1] & empty[2] & empty[3] & safe[8] & safe[9]
    return steps, east, west


def _seen(coded: Int[Array, "64"]) -> tuple[list[Array], Array]:
    """Return what stands k = 1, ..., 7 steps away in each direction, each `[8, 64]`, and a jump away."""
    # Slices of a board with a margin, since look-ups in tables take twice as long on processors.
    margin = jnp.pad(coded.reshape(8, 8), 7, constant_values=jnp.int8(OUTSIDE + 8))

    def shifted(up: int, right: int) -> Array:
        return margin[7 + up : 15 + up, 7 + right : 15 + right].reshape(64)

    rays = [jnp.stack([shifted(k * up, k * right) for up, right in STEPS]) for k in range(1, 8)]
    return rays, jnp.stack([shifted(up, right) for up, right in JUMPS])


def legal_moves(position: Position) -> Bool[Array, "4672"]:
    """Return which moves are legal, by ``64 plane + square``."""
    board = jnp.append(position.board, jnp.int8(OUTSIDE))
    mine = position.board
    king = jnp.argmax(mine == KING).astype(jnp.int32)
    checks, allowed, pins = _threats(board, king)
    # Piece and permission in one number, so that both are brought to every square along every ray at once.
    rays, leapt = _seen(mine + jnp.int8(8) + jnp.where(allowed, jnp.int8(16), jnp.int8(0)))
    free = (pins < 0)[None, :] | ((pins % 4)[None, :] == AXIS[:, None])
    sliding = ((mine == QUEEN)[None, :] | (mine[None, :] == SLIDER[:, None])) & free
    clear, slides = jnp.ones((8, 64), bool), []
    for seen in rays:
        slides.append(sliding & clear & ((seen & 15) <= 8) & (seen >= 16))
        clear = clear & ((seen & 15) == 8)

    near, permitted = rays[0] & 15, (rays[0] >= 16) & free
    steps, east, west = _king_moves(position, board, king, checks)
    pawn, is_king = mine == PAWN, mine == KING
    pushes = pawn & (near[NORTH] == 8)
    doubles = pushes & (RANK == 1) & ((rays[1][NORTH] & 15) == 8) & (rays[1][NORTH] >= 16) & free[NORTH]
    at_passed = (NEXT == position.passed) & _passing(position, board, king)[:, None]
    takes = pawn[None, :] & (((near < 8) & permitted & UPWARD[:, None]) | at_passed)
    one = takes | (is_king[None, :] & steps[:, None]) | _along(NORTH, pushes & permitted[NORTH])
    two = _along(NORTH, doubles) | _along(EAST, is_king & east) | _along(WEST, is_king & west)
    queens = jnp.stack([slides[0] | one, slides[1] | two, *slides[2:]], axis=1).reshape(56, 64)

    leaps = ((mine == KNIGHT) & (pins < 0))[None, :] & ((leapt & 15) <= 8) & (leapt >= 16)
    last = (pawn & (RANK == 6))[None, :] & jnp.stack([one[d] for d in UNDER[0]])
    return jnp.concatenate([queens, leaps, jnp.repeat(last, 3, axis=0)]).reshape(-1)


def _along(direction: int, squares: Bool[Array, "64"]) -> Bool[Array, "8 64"]:
    """Return the squares in the row of a direction, and nothing in the other rows."""
    return (np.arange(8) == direction)[:, None] & squares[None, :]


def takes_in_passing(position: Position) -> Bool[Array, ""]:
    """Tell whether a capture en passant is legal."""
    board = jnp.append(position.board, jnp.int8(OUTSIDE))
    return jnp.any(_passing(position, board, jnp.argmax(position.board == KING).astype(jnp.int32)))


def in_check(position: Position) -> Bool[Array, ""]:
    """Tell whether the king of the player to move is attacked."""
    board = jnp.append(position.board, jnp.int8(OUTSIDE))
    return attackers(board, jnp.argmax(position.board == KING).astype(jnp.int32)) > 0


def move(position: Position, action: Int[Array, ""]) -> Position:
    """Return the position after a legal move, seen by the other player."""
    action = action.astype(jnp.int32)
    plane, origin = action // 64, action % 64
    target = jnp.asarray(TARGETS)[origin, plane]
    piece, captured = position.board[origin], position.board[target] != 0
    pawn, king = piece == PAWN, piece == KING
    put = jnp.where(pawn & (target >= 56), jnp.asarray(BECOMES)[plane], piece)
    board = position.board.at[origin].set(0).at[target].set(put)
    passing = pawn & (target == position.passed)
    board = board.at[jnp.where(passing, target - 8, 64)].set(0, mode="drop")
    east, west = king & (target - origin == 2), king & (origin - target == 2)
    board = board.at[jnp.where(east, 7, jnp.where(west, 0, 64))].set(0, mode="drop")
    board = board.at[jnp.where(east, 5, jnp.where(west, 3, 64))].set(ROOK, mode="drop")
    # A right is lost when the king moves, and when a rook leaves its corner or is taken there.
    left = jnp.stack([king | (origin == 7), king | (origin == 0), target == 63, target == 56])
    rights = position.castling & ~left
    double = pawn & (target - origin == 16)
    return Position(
        -board.reshape(8, 8)[::-1].reshape(-1),
        jnp.roll(rights, 2),
        jnp.where(double, (origin + 8) ^ 56, -1),
        jnp.where(pawn | captured, 0, position.clock + 1),
        position.ply + 1,
    )
