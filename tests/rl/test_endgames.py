"""Tables of endgames: their known lengths, agreement with the rules of chess, and the game made of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.rl.endgames import DRAWN, ILLEGAL, table
from ansatz.rl.envs._chess_moves import KING, QUEEN, ROOK, Position, in_check, legal_moves, move
from ansatz.rl.envs.endgame import Endgame, EndgameState

LETTER = {"rook": ROOK, "queen": QUEEN}
LEGAL, CHECK, MOVED = (jax.jit(jax.vmap(one)) for one in (legal_moves, in_check, move))


def positions(index: np.ndarray, piece: str, black: bool) -> Position:
    """Return positions as the rules of chess see them: by the player to move."""
    count = len(index)
    board = np.zeros((count, 64), np.int8)
    rows = np.arange(count)
    board[rows, index // 4096] = KING
    board[rows, index // 64 % 64] = LETTER[piece]
    board[rows, index % 64] = -KING
    if black:
        board = -board.reshape(count, 8, 8)[:, ::-1].reshape(count, 64)
    zero = np.zeros(count, np.int32)
    ply = np.full(count, int(black), np.int32)
    return Position(board, np.zeros((count, 4), bool), zero - 1, zero, ply)


@pytest.mark.parametrize(("piece", "moves"), [("rook", 16), ("queen", 10)])
def test_the_longest_mates_are_those_that_are_known(piece, moves):
    found = table(piece)
    assert found.white.max() == 2 * moves - 1 and found.black.max() == 2 * moves
    # With White to move no position is drawn but those in which the piece is lost at once.
    legal = found.white != ILLEGAL
    assert (found.white[legal] % 2 == 1)[found.white[legal] >= 0].all()
    assert (found.white[legal] == DRAWN).mean() < 0.005
    assert (found.black[found.black >= 0] % 2 == 0).all()


def test_the_numbers_of_positions_are_those_of_the_board():
    found = table("rook")
    # 64 · 63 pairs of squares of the kings less those that touch, times 62 squares of the piece.
    assert (found.black != ILLEGAL).sum() == (64 * 63 - 420) * 62
    # The board's eight symmetries keep every length.
    squares = np.arange(64).reshape(8, 8)
    for turned in (squares[::-1], squares[:, ::-1], squares.T):
        at = turned.ravel()
        assert np.array_equal(found.white[np.ix_(at, at, at)], found.white)


@pytest.mark.parametrize("piece", ["rook", "queen"])
@pytest.mark.parametrize("black", [False, True], ids=["white", "black"])
def test_moves_checks_and_mates_are_those_of_the_rules(piece, black):
    found, random = table(piece), np.random.default_rng(0)
    lengths = (found.black if black else found.white).ravel()
    index = random.choice(np.flatnonzero(lengths != ILLEGAL), 2000, replace=False)
    mates = np.flatnonzero(lengths == 0)[:200]
    index[: len(mates)] = mates
    seen = positions(index, piece, black)
    legal = np.asarray(LEGAL(seen))
    mine = found.replies[index] if black else found.leads[index]
    assert np.array_equal(legal.sum(1), (mine != -1).sum(1))
    check = np.asarray(CHECK(seen))
    mate = check & ~legal.any(1)
    assert np.array_equal(mate, lengths[index] == 0) if black else not check.any()
    if not black:
        row, action = np.nonzero(legal)
        taken = jax.tree.map(lambda leaf: leaf[row[:4000]], seen)
        after = MOVED(taken, action[:4000].astype(np.int32))
        wanted = {(int(r), int(to)) for r in range(row[3999]) for to in mine[r][mine[r] >= 0]}
        boards = -np.asarray(after.board).reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64)
        squares = [np.argmax(boards == one, axis=1) for one in (KING, LETTER[piece], -KING)]
        reached = (squares[0] * 64 + squares[1]) * 64 + squares[2]
        got = {(int(r), int(to)) for r, to in zip(row[:4000], reached, strict=True) if r < row[3999]}
        assert got == wanted


@pytest.mark.parametrize("piece", ["rook", "queen"])
def test_each_length_is_one_more_than_the_best_that_follows(piece):
    found, random = table(piece), np.random.default_rng(1)
    white, black = (one.ravel().astype(int) for one in found[:2])
    won = random.choice(np.flatnonzero(white > 0), 2000)
    after = np.where(found.leads[won] >= 0, black[found.leads[won]], DRAWN)
    assert np.array_equal(np.where(after >= 0, after, 999).min(1) + 1, white[won])
    best = found.best(won)
    assert best.any(1).all() and (after[best] == np.repeat(white[won] - 1, best.sum(1))).all()
    lost = random.choice(np.flatnonzero(black > 0), 2000)
    assert not (found.replies[lost] == -2).any()
    assert np.array_equal(
        np.where(found.replies[lost] >= 0, white[found.replies[lost]], -1).max(1) + 1, black[lost]
    )


def test_the_game_against_the_longest_defence_takes_as_many_moves_as_the_table_says():
    env = Endgame("rook")
    lengths = env.table.white.ravel()

    @jax.jit
    def play(key):
        state = env.reset(key)
        leads, black = jnp.asarray(env.table.leads), jnp.asarray(env.table.black.ravel())

        def one(carry, k):
            state, over, count, paid = carry
            moves = leads[state.index]
            length = jnp.where(moves >= 0, black[moves].astype(jnp.int32), 999)
            step = env.step(state, jnp.argmin(jnp.where(length >= 0, length, 999)).astype(jnp.int32), k)
            after = EndgameState(jnp.where(over, state.index, step.state.index))
            count = count + (~over).astype(jnp.int32)
            return (after, over | step.terminated, count, paid + jnp.where(over, 0.0, step.reward)), None

        begin = (state, jnp.zeros((), bool), jnp.zeros((), jnp.int32), jnp.zeros(()))
        (_, over, count, paid), _ = jax.lax.scan(one, begin, jax.random.split(key, 20))
        return state.index, over, count, paid

    index, over, count, paid = jax.vmap(play)(jax.random.split(jax.random.key(0), 500))
    assert bool(over.all()) and (np.asarray(paid) == 1).all()
    assert np.array_equal(2 * np.asarray(count) - 1, lengths[np.asarray(index)])


def test_a_stalemate_and_a_lost_queen_pay_nothing():
    env = Endgame("queen")

    def stepped(king, piece, other, direction, distance):
        state = EndgameState(jnp.asarray((king * 64 + piece) * 64 + other, jnp.int32))
        return env.step(state, jnp.asarray(8 + 7 * direction + distance - 1, jnp.int32), jax.random.key(0))

    # Kc7 or so, queen to b6 with the king in the corner a8: stalemate.
    stuck = stepped(2 + 8 * 3, 1 + 8 * 1, 56, 0, 4)
    assert bool(stuck.terminated) and float(stuck.reward) == 0
    taken = stepped(0, 7, 62, 0, 6)
    assert bool(taken.terminated) and float(taken.reward) == 0
    assert "♕" in env.render(EndgameState(jnp.asarray(64 * 9 + 63, jnp.int32)))


def test_another_piece_is_refused():
    with pytest.raises(BadInput, match="no piece 'rok'; did you mean 'rook'"):
        Endgame("rok")
