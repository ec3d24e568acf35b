"""Positions and moves of chess as text: Forsyth-Edwards notation, squares by name, and the board as drawn."""

from typing import Any

import numpy as np

from ansatz._spelling import choose
from ansatz.errors import BadInput
from ansatz.rl.envs._chess_moves import BECOMES, KING, PAWN, ROOK, TARGETS, Position

LETTERS = "PNBRQK"
START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
FIGURES = {0: "·"} | dict(enumerate("♙♘♗♖♕♔", 1)) | {-n: one for n, one in enumerate("♟♞♝♜♛♚", 1)}
RIGHTS = "KQkq"
# Each right as the squares of king and rook, and the sign of both.
CORNERS = {"K": (4, 7, 1), "Q": (4, 0, 1), "k": (60, 63, -1), "q": (60, 56, -1)}


def name_of(square: int) -> str:
    """Return the name of a square, counted from a1 by rows.

    >>> name_of(12)
    'e2'
    """
    return "abcdefgh"[square % 8] + str(square // 8 + 1)


def _board(rows: str, fen: str) -> np.ndarray:
    """Return the board `[64]` from White's side."""
    lines = rows.split("/")
    if len(lines) != 8:
        raise BadInput(f"A board has 8 rows, and that of {fen!r} has {len(lines)}.")
    board = np.zeros((8, 8), np.int8)
    for rank, line in zip(range(7, -1, -1), lines, strict=True):
        pieces: list[int] = []
        for letter in line:
            if letter.isdecimal():
                pieces += [0] * int(letter)
            elif letter.upper() in LETTERS:
                number = LETTERS.index(letter.upper()) + 1
                pieces.append(number if letter.isupper() else -number)
            else:
                raise BadInput(f"Row {rank + 1} of {fen!r} holds {letter!r}, which is no piece of {LETTERS}.")
        if len(pieces) != 8:
            raise BadInput(f"A row has 8 squares, and row {rank + 1} of {fen!r} has {len(pieces)}.")
        board[rank] = pieces
    for side, sign in (("White", 1), ("Black", -1)):
        if (count := int((board == sign * KING).sum())) != 1:
            raise BadInput(f"{side} has {count} kings in {fen!r}, and must have one.")
    if (abs(board[[0, 7]]) == PAWN).any():
        raise BadInput(f"A pawn of {fen!r} stands on the first or the last row.")
    return board.reshape(-1)


def position_of(fen: str) -> Position:
    """Return the position that a text in Forsyth-Edwards notation spells, as NumPy arrays.

    The clock and the number of the move may be left out.

    >>> from ansatz.rl.envs._chess_text import START, position_of
    >>> int(position_of(START).board.sum())
    0
    """
    words = fen.split()
    if len(words) not in (4, 6):
        raise BadInput(f"A position is spelled in 4 or 6 words, and {fen!r} has {len(words)}.")
    rows, turn, rights, passed = words[:4]
    board = _board(rows, fen)
    black = choose("side to move", turn, {"w": False, "b": True})
    castling = np.zeros(4, bool)
    for letter in rights.replace("-", ""):
        king, rook, sign = choose("castling right", letter, CORNERS)
        if board[king] != sign * KING or board[rook] != sign * ROOK:
            raise BadInput(f"Castling {letter!r} of {fen!r} needs king and rook on their first squares.")
        castling[RIGHTS.index(letter)] = True
    square = -1
    if passed != "-":
        names = [name_of(number) for number in range(64)]
        square = names.index(passed) if passed in names else -1
        ahead = -8 if black else 8
        row, pawn = (2, PAWN) if black else (5, -PAWN)
        if square < 0 or square // 8 != row or board[square] or board[square - ahead] != pawn:
            raise BadInput(f"No pawn can just have passed over {passed!r} in {fen!r}.")
    clock, number = (int(word) if word.isdecimal() else -1 for word in (*words[4:], "0", "1")[:2])
    if clock < 0 or number < 1:
        raise BadInput(f"{fen!r} ends with the clock, from 0, and the number of the move, from 1.")
    if black:
        board, castling = -board.reshape(8, 8)[::-1].reshape(-1), np.roll(castling, 2)
        square = square ^ 56 if square >= 0 else -1
    numbers = (np.array(value, np.int32) for value in (square, clock, 2 * (number - 1) + black))
    return Position(np.ascontiguousarray(board), castling, *numbers)  # type: ignore[arg-type]


def from_white(position: Position) -> np.ndarray:
    """Return the board `[8, 8]` from White's side, its first row first."""
    board = np.asarray(position.board).reshape(8, 8)
    return -board[::-1] if int(position.ply) % 2 else board


def fen_of(position: Position) -> str:
    """Return a position in Forsyth-Edwards notation.

    >>> fen_of(position_of(START)) == START
    True
    """
    black, lines = int(position.ply) % 2 == 1, []
    for row in from_white(position)[::-1]:
        line = "".join(
            "." if not one else LETTERS[one - 1] if one > 0 else LETTERS[-one - 1].lower()
            for one in row.tolist()
        )
        for gap in range(8, 0, -1):
            line = line.replace("." * gap, str(gap))
        lines.append(line)
    castling = np.roll(np.asarray(position.castling), 2 if black else 0)
    rights = "".join(letter for letter, held in zip(RIGHTS, castling, strict=True) if held) or "-"
    passed = int(position.passed)
    square = "-" if passed < 0 else name_of(passed ^ 56 if black else passed)
    number = int(position.ply) // 2 + 1
    return f"{'/'.join(lines)} {'b' if black else 'w'} {rights} {square} {int(position.clock)} {number}"


def spelled(position: Position, action: Any) -> str:
    """Return a move by the names of its squares, and what a pawn becomes: e2e4, e1g1, a7a8n."""
    plane, origin = divmod(int(action), 64)
    target, mirror = int(TARGETS[origin, plane]), 56 if int(position.ply) % 2 else 0
    piece = int(np.asarray(position.board)[origin])
    becomes = LETTERS[int(BECOMES[plane]) - 1].lower() if piece == PAWN and target >= 56 else ""
    return name_of(origin ^ mirror) + name_of(target ^ mirror) + becomes


def drawn(position: Position) -> str:
    """Return the board from White's side, with the names of rows and columns."""
    rows = from_white(position)
    lines = [
        f"{rank + 1} " + " ".join(FIGURES[one] for one in rows[rank].tolist()) for rank in range(7, -1, -1)
    ]
    return "\n".join([*lines, "  a b c d e f g h"])
