"""King and rook, or king and queen, against a king: how far every position is from mate.

Retrograde analysis: a position with Black to move is lost in 0 plies where it is mate; White wins in n + 1
where some move leads to a position lost in n, and Black loses in n + 1 where every move leads to one that
White wins in at most n, and there is one.  What is never reached is drawn: stalemates, and positions in which
Black takes the piece.

Source: Thompson 1986, "Retrograde analysis of certain endgames".  Mate takes at most 16 moves with the rook
and 10 with the queen.
"""

import functools
from typing import NamedTuple

import numpy as np

from ansatz._spelling import choose
from ansatz.rl.envs._chess_moves import RAYS, STRAIGHT

PIECES = {"rook": STRAIGHT, "queen": np.ones(8, bool)}
DRAWN, ILLEGAL = -1, -2
SHAPE = (64, 64, 64)
MOVES = 8 + 56
"""White's moves: the king's eight, then the piece's: 8 + 7 direction + (distance - 1)."""


class Table(NamedTuple):
    """Plies to mate by the squares of White's king, White's piece and Black's king, `[64, 64, 64]`.

    Squares are ``8 rank + file``.  `white` is with White to move, `black` with Black; `DRAWN` where nobody
    mates and `ILLEGAL` where the position cannot be.  `leads: [64³, 64]` is the position that each move of
    White leads to, as an index into `black`, and -1 where there is no such move; `replies: [64³, 8]` those of
    Black's king, -1 where there is none, and -2 where it takes the piece.
    """

    white: np.ndarray
    black: np.ndarray
    leads: np.ndarray
    replies: np.ndarray

    def best(self, index: np.ndarray) -> np.ndarray:
        """Return which of White's moves mate the soonest, `[N, 64]`, at positions `[N]` that White wins."""
        leads = self.leads[index]
        after = np.where(leads >= 0, self.black.ravel()[leads], DRAWN)
        return (after == self.white.ravel()[index][:, None] - 1) & (leads >= 0)


def turned(index: np.ndarray) -> np.ndarray:
    """Return the least of the eight positions that turning and mirroring the board makes of each one.

    >>> turned(np.array([0, (63 * 64 + 63) * 64 + 63])).tolist()
    [0, 0]
    """
    squares = np.stack([index // 4096, index // 64 % 64, index % 64])
    rank, file, found = squares // 8, squares % 8, []
    for _ in range(4):
        rank, file = 7 - file, rank
        found += [8 * rank + file, 8 * file + rank]
    return np.min([(one[0] * 64 + one[1]) * 64 + one[2] for one in found], axis=0)


@functools.cache
def table(piece: str) -> Table:
    """Return the table of a piece, rook or queen.

    >>> found = table("queen")
    >>> int(found.white.max())
    19
    """
    slides = choose("piece", piece, PIECES)
    attacked = _attacked(slides)
    king, place, other = np.indices(SHAPE, np.int32).reshape(3, -1)
    apart = (king != place) & (king != other) & (place != other) & ~_near()[king, other]
    check = attacked[place, king, other]
    leads = _leads(king, place, other, slides)
    replies = _replies(king, place, other, attacked)
    white = np.where(apart & ~check, DRAWN, ILLEGAL)
    black = np.where(apart, DRAWN, ILLEGAL)
    leads = np.where((white == DRAWN)[:, None], leads, -1)
    replies = np.where((black == DRAWN)[:, None], replies, -1)
    black[(black == DRAWN) & (replies == -1).all(1) & check] = 0
    waiting, held = np.flatnonzero(white == DRAWN), np.flatnonzero(black == DRAWN)
    held = held[(replies[held] >= 0).any(1) & (replies[held] != -2).all(1)]
    for plies in range(0, 1000, 2):
        ahead = leads[waiting]
        won = ((ahead >= 0) & (black[ahead] == plies)).any(1)
        if not won.any():
            break
        white[waiting[won]] = plies + 1
        waiting = waiting[~won]
        ahead = replies[held]
        lost = ((ahead < 0) | (white[ahead] >= 0)).all(1)
        black[held[lost]] = plies + 2
        held = held[~lost]
    small = (white.reshape(SHAPE).astype(np.int8), black.reshape(SHAPE).astype(np.int8))
    return Table(*small, leads, replies)


def _near() -> np.ndarray:
    """Return which squares touch, `[64, 64]`, themselves included."""
    rank, file = np.divmod(np.arange(64), 8)
    return np.maximum(abs(rank[:, None] - rank), abs(file[:, None] - file)) <= 1


def _attacked(slides: np.ndarray) -> np.ndarray:
    """Return the squares that a piece attacks, `[piece, king, square]`, its own king standing in the way."""
    found = np.zeros((64, 64, 65), bool)
    kings = np.arange(64)
    for direction in np.flatnonzero(slides):
        free = np.ones((64, 64), bool)
        for distance in range(7):
            target = RAYS[:64, direction, distance]
            free = free & (target < 64)[:, None] & (target[:, None] != kings)
            found[kings[:, None], kings, target[:, None]] |= free
    return found[:, :, :64]


def _leads(king: np.ndarray, place: np.ndarray, other: np.ndarray, slides: np.ndarray) -> np.ndarray:
    found = np.full((len(king), MOVES), -1, np.int32)
    near = np.concatenate([_near(), np.ones((1, 64), bool)])
    for direction in range(8):
        target = RAYS[king, direction, 0]
        fine = (target < 64) & (target != place) & ~near[target, other]
        found[:, direction] = np.where(fine, (target * 64 + place) * 64 + other, -1)
    for direction in np.flatnonzero(slides):
        free = np.ones(len(king), bool)
        for distance in range(7):
            target = RAYS[place, direction, distance]
            free = free & (target < 64) & (target != king) & (target != other)
            move = 8 + 7 * direction + distance
            found[:, move] = np.where(free, (king * 64 + target) * 64 + other, -1)
    return found


def _replies(king: np.ndarray, place: np.ndarray, other: np.ndarray, attacked: np.ndarray) -> np.ndarray:
    found = np.full((len(king), 8), -1, np.int32)
    near = np.concatenate([_near(), np.ones((1, 64), bool)])
    attacked = np.concatenate([attacked, np.ones((64, 64, 1), bool)], axis=2)
    for direction in range(8):
        target = RAYS[other, direction, 0]
        # The king does not stand in the way of what attacks it from behind: it has left its square.
        fine = (target < 64) & ~near[target, king] & ~attacked[place, king, target]
        found[:, direction] = np.where(fine, (king * 64 + place) * 64 + target, -1)
        found[fine & (target == place), direction] = -2
    return found
