"""Forced wins: known keys, a search in plain Python with rules of its own, and minimax."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.rl.env import Discrete, Env, Step
from ansatz.rl.envs._chess_text import position_of, spelled
from ansatz.rl.envs.cartpole import CartPole
from ansatz.rl.envs.chess import Chess
from ansatz.rl.envs.tic_tac_toe import TicTacToe
from ansatz.rl.forced import forced
from ansatz.rl.minimax import minimax

KEY = jax.random.key(0)
KEYS = {
    "kbK5/pp6/1P6/8/8/8/8/R7 w - - 0 1": "a1a6",
    "1rb4r/pkPp3p/1b1P3n/1Q6/N3Pp2/8/P1P3PP/7K w - - 0 1": "b5d5",
    "4kb1r/p2n1ppp/4q3/4p1B1/4P3/1Q6/PPP2PPP/2KR4 w - - 0 1": "b3b8",
    "8/2r5/1k5p/1pp4P/8/K2P4/PR2QB2/2q5 b - - 0 1": "c1c3",
}
"""Morphy's problem; Paulsen - Blachy 1857, Morphy - Isouard 1858, Mason - Lasker 1899."""
LINES = {"R": ((1, 0), (0, 1), (-1, 0), (0, -1)), "B": ((1, 1), (1, -1), (-1, 1), (-1, -1))}
LINES["Q"] = LINES["K"] = LINES["R"] + LINES["B"]
LINES["N"] = ((2, 1), (1, 2), (-1, 2), (-2, 1), (-2, -1), (-1, -2), (1, -2), (2, -1))


def plain_board(fen):
    """Return the pieces by (rank, file), capital letters White's."""
    board = {}
    for number, row in enumerate(fen.split()[0].split("/")):
        file = 0
        for letter in row:
            if letter.isdigit():
                file += int(letter)
            else:
                board[7 - number, file] = letter
                file += 1
    return board


def reached(board, square):
    """Yield the squares that a piece attacks, and, of a pawn, those it may step to, with whether it takes."""
    piece = board[square]
    white, kind = piece.isupper(), piece.upper()
    rank, file = square
    if kind == "P":
        up, home = (1, 1) if white else (-1, 6)
        yield from (((rank + up, file + side), True) for side in (-1, 1))
        one, two = (rank + up, file), (rank + 2 * up, file)
        if one not in board:
            yield one, False
            if rank == home and two not in board:
                yield two, False
        return
    for up, right in LINES[kind]:
        for steps in range(1, 2 if kind in "KN" else 8):
            target = (rank + steps * up, file + steps * right)
            yield target, True
            if target in board:
                break


def plain_moves(board, white):
    """Yield the boards after legal moves, with the squares moved from and to, and what the piece becomes."""
    for square in [s for s, piece in board.items() if piece.isupper() == white]:
        for target, takes in reached(board, square):
            other = board.get(target)
            if not (0 <= target[0] < 8 and 0 <= target[1] < 8) or (other and other.isupper() == white):
                continue
            pawn = board[square].upper() == "P"
            if pawn and takes != (other is not None):
                continue
            for becomes in "QRBN" if pawn and target[0] in (0, 7) else (board[square],):
                after = {s: piece for s, piece in board.items() if s != square}
                after[target] = becomes if white else becomes.lower()
                if not plain_check(after, white):
                    yield after, (square, target, becomes)


def plain_check(board, white):
    king = next(s for s, piece in board.items() if piece == ("K" if white else "k"))
    return any(
        target == king and takes
        for square, piece in board.items()
        if piece.isupper() != white
        for target, takes in reached(board, square)
    )


def mates(board, white, moves):
    """Tell whether the player who has just moved to this board mates now, or within so many moves more."""
    answers = [after for after, _ in plain_moves(board, white)]
    if not answers:
        return plain_check(board, white)
    return moves > 0 and all(
        any(mates(after, white, moves - 1) for after, _ in plain_moves(answer, not white))
        for answer in answers
    )


def chess_keys(fen, moves=2):
    state = Chess(fen).reset(KEY)
    found = forced(Chess(), state, moves)
    return [spelled(state.position, action) for action in np.flatnonzero(found.actions)], found.tried


@pytest.mark.parametrize("fen", KEYS)
def test_the_one_key_of_a_famous_mate_in_two_is_proven(fen):
    keys, tried = chess_keys(fen)
    assert keys == [KEYS[fen]] and tried < 20_000
    assert chess_keys(fen, 1)[0] == []


@pytest.mark.parametrize("fen", list(KEYS)[:2])
def test_a_search_in_plain_python_with_its_own_rules_finds_the_same_keys(fen):
    board, keys = plain_board(fen), []
    names = {(r, f): "abcdefgh"[f] + str(r + 1) for r in range(8) for f in range(8)}
    assert sorted(piece for piece in board.values()) == sorted(
        ".PNBRQKkqrbnp"[int(one)] for one in position_of(fen).board if one
    )
    for after, (square, target, _) in plain_moves(board, True):
        if mates(after, False, 1):
            keys.append(names[square] + names[target])
    assert keys == chess_keys(fen)[0]


def test_forced_wins_of_tic_tac_toe_are_those_of_minimax():
    env = TicTacToe()
    solved, random = minimax(env), np.random.default_rng(0)
    live = np.flatnonzero(~solved.terminal)
    seen = set()
    for row in random.choice(live, 40, False):
        state = jax.tree.map(lambda x: x[row], solved.states)  # noqa: B023
        found = forced(env, state, 5).actions
        wanted = solved.optimal[row] if solved.value[row] == 1 else np.zeros(9, bool)
        assert (found == wanted).all()
        seen.add(float(solved.value[row]))
        assert not (forced(env, state, 1).actions & ~found).any()
    assert seen == {-1.0, 0.0, 1.0}


class Twice(Env):
    """A game in which the first player moves always."""

    players: ClassVar[int] = 2

    @property
    def actions(self):
        return Discrete(2)

    @property
    def observations(self):
        return Discrete(2)

    def reset(self, key):
        return jnp.zeros((), jnp.int32)

    def step(self, state, action, key):
        return Step(state, state, jnp.zeros(2), jnp.zeros((), bool), jnp.zeros((), bool))

    def observe(self, state):
        return state


def test_bad_input_gets_a_sentence():
    with pytest.raises(BadInput, match="CartPole has 1"):
        forced(CartPole(), CartPole().reset(KEY))
    with pytest.raises(BadInput, match="moves is an integer of at least 1, not 0"):
        forced(TicTacToe(), TicTacToe().reset(KEY), 0)
    with pytest.raises(BadInput, match="In Twice a player moves twice"):
        forced(Twice(), Twice().reset(KEY))
