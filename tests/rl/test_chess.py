"""Chess: known numbers of moves, a plain generator that tries out every move, and the ends of games."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.rl.envs._chess_moves import JUMPS, STEPS, in_check, legal_moves, move
from ansatz.rl.envs._chess_text import START, fen_of, from_white, position_of, spelled
from ansatz.rl.envs.chess import Chess, is_dead, perft

KEY = jax.random.key(0)
STEP = jax.jit(Chess().step)
LEGAL, DEAD = jax.jit(legal_moves), jax.jit(is_dead)
KIWIPETE = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"
KNOWN = {
    START: [20, 400, 8902, 197281, 4865609],
    KIWIPETE: [48, 2039, 97862, 4085603],
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1": [14, 191, 2812, 43238, 674624, 11030083],
    "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1": [6, 264, 9467, 422333],
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8": [44, 1486, 62379, 2103487],
    "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10": [46, 2079, 89890, 3894594],
}


def mirrored(fen: str) -> str:
    """Return the position with the colours exchanged."""
    rows, turn, rights, passed, *rest = fen.split()
    flipped = "/".join(reversed(rows.split("/"))).swapcase()
    exchanged = "".join(one for one in "KQkq" if one in rights.swapcase()) or "-"
    return " ".join([flipped, "wb"[turn == "w"], exchanged, passed.translate({51: 54, 54: 51}), *rest])


@pytest.mark.parametrize("fen", KNOWN)
def test_moves_are_counted_to_depth_3(fen: str):
    assert perft(fen, 3) == KNOWN[fen][:3]
    assert perft(mirrored(fen), 2) == KNOWN[fen][:2]


@pytest.mark.slow
@pytest.mark.parametrize("fen", KNOWN)
def test_moves_are_counted_to_depth_4_and_more(fen: str):
    depth = len(KNOWN[fen])
    assert perft(fen, depth) == KNOWN[fen]


class Plain:
    """The rules in plain Python, by trying out every move; White's side, squares as (rank, file)."""

    def __init__(self, fen: str):
        position = position_of(fen)
        board = from_white(position)
        self.board = {(r, f): int(board[r, f]) for r in range(8) for f in range(8)}
        words = fen.split()
        self.mine, self.rights = (1 if words[1] == "w" else -1), words[2]
        self.passed = None if words[3] == "-" else (int(words[3][1]) - 1, "abcdefgh".index(words[3][0]))

    def attacked(self, board: dict, square: tuple, by: int) -> bool:
        r, f = square
        hits = [((r + a, f + b), 2) for a, b in JUMPS] + [((r + a, f + b), 6) for a, b in STEPS]
        hits += [((r - by, f + side), 1) for side in (-1, 1)]
        if any(board.get(at) == by * kind for at, kind in hits):
            return True
        for a, b in STEPS:
            for k in range(1, 8):
                piece = board.get((r + k * a, f + k * b))
                if piece:
                    if piece in (by * 5, by * (3 if a and b else 4)):
                        return True
                    break
                if piece is None:
                    break
        return False

    def pawn_targets(self, r: int, f: int) -> list[tuple]:
        up, board, found = self.mine, self.board, []
        if board.get((r + up, f)) == 0:
            found.append((r + up, f))
            if r == (1 if up == 1 else 6) and board[r + 2 * up, f] == 0:
                found.append((r + 2 * up, f))
        for side in (-1, 1):
            at = (r + up, f + side)
            if board.get(at, 0) * up < 0 or at == self.passed:
                found.append(at)
        return found

    def targets(self, r: int, f: int) -> list[tuple]:
        kind, board = abs(self.board[r, f]), self.board
        if kind == 1:
            return self.pawn_targets(r, f)
        steps = {2: JUMPS, 3: STEPS[1::2], 4: STEPS[::2], 5: STEPS, 6: STEPS}[kind]
        found = []
        for a, b in steps:
            for k in range(1, 8 if kind in (3, 4, 5) else 2):
                at = (r + k * a, f + k * b)
                if board.get(at) is None or board[at] * self.mine > 0:
                    break
                found.append(at)
                if board[at]:
                    break
        if kind == 6:
            found += self.castles(r)
        return found

    def castles(self, r: int) -> list[tuple]:
        found, safe = [], lambda f: not self.attacked(self.board, (r, f), -self.mine)
        for letter, free, way, to in (("K", (5, 6), (4, 5, 6), 6), ("Q", (1, 2, 3), (2, 3, 4), 2)):
            held = (letter if self.mine == 1 else letter.lower()) in self.rights
            if held and not any(self.board[r, f] for f in free) and all(safe(f) for f in way):
                found.append((r, to))
        return found

    def moves(self) -> set[str]:
        found = set()
        for (r, f), piece in self.board.items():
            if piece * self.mine <= 0:
                continue
            for to in self.targets(r, f):
                after = {**self.board, (r, f): 0, to: piece}
                if abs(piece) == 1 and to == self.passed:
                    after[r, to[1]] = 0
                king = next(at for at, one in after.items() if one == 6 * self.mine)
                if not self.attacked(after, king, -self.mine):
                    text = "".join("abcdefgh"[file] + str(rank + 1) for rank, file in ((r, f), to))
                    last = abs(piece) == 1 and to[0] in (0, 7)
                    found |= {text + one for one in ("qrbn" if last else ("",))}
        return found


def test_legal_moves_are_those_that_leave_the_king_alone():
    """Play at random, from positions with castling, promotions and en passant, and try out every move."""
    rng, moved = np.random.default_rng(0), jax.jit(move)
    kinds: set[str] = set()
    for fen in [*KNOWN, "8/8/8/K1pP3r/8/8/8/7k w - c6 0 1", "4k3/8/8/8/4pP2/8/8/1B2K2R b K f3 0 1"]:
        position = jax.tree.map(jnp.asarray, position_of(fen))
        for _ in range(40):
            actions = np.flatnonzero(LEGAL(position))
            found = [spelled(position, one) for one in actions]
            assert len(set(found)) == len(found) and set(found) == Plain(fen_of(position)).moves(), fen_of(
                position
            )
            if not len(actions):
                break
            kinds |= {one[4:] for one in found} | {"check"} if bool(in_check(position)) else set()
            position = moved(position, jnp.asarray(rng.choice(actions), jnp.int32))
    assert kinds >= {"check", ""}


def play(env: Chess, *moves: str):
    """Return the state after moves by name, and the last step."""
    state, done = env.reset(KEY), None
    for name in moves:
        named = {spelled(state.position, one): one for one in np.flatnonzero(state.moves).tolist()}
        done = STEP(state, jnp.asarray(named[name]), KEY)
        state = done.state
    assert done is not None
    return state, done


def ending(fen: str, *moves: str) -> tuple[bool, list[float]]:
    state, done = play(Chess(fen), *moves)
    assert bool(done.terminated) != bool(state.moves.any())
    return bool(done.terminated), done.reward.tolist()


BACK_RANK = "6k1/5ppp/8/8/8/8/8/R5K1 w - - {} 80"


def test_games_end_as_the_rules_say():
    assert ending(START, "f2f3", "e7e5", "g2g4", "d8h4") == (True, [-1.0, 1.0])
    assert ending(BACK_RANK.format(0), "a1a8") == (True, [1.0, -1.0])
    assert ending(BACK_RANK.format(99), "a1a8") == (True, [1.0, -1.0])
    assert ending(BACK_RANK.format(99), "a1a7") == (True, [0.0, 0.0])
    assert ending(BACK_RANK.format(98), "a1a7") == (False, [0.0, 0.0])
    assert ending("7k/4Q3/8/8/8/8/8/K7 w - - 0 1", "e7f7") == (True, [0.0, 0.0])
    assert ending("8/8/8/4k3/8/8/4Kp2/8 w - - 0 1", "e2f2") == (True, [0.0, 0.0])
    around = ("g1f3", "g8f6", "f3g1", "f6g8")
    assert ending(START, *around) == (False, [0.0, 0.0])
    assert ending(START, *around, *around[:3]) == (False, [0.0, 0.0])
    assert ending(START, *around, *around) == (True, [0.0, 0.0])
    # A right to castle that is gone makes another position.
    rooks = "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1"
    tour = ("h1g1", "h8g8", "g1h1", "g8h8")
    assert ending(rooks, *tour, *tour) == (False, [0.0, 0.0])
    assert ending(rooks, *tour, *tour, "h1g1", "h8g8") == (True, [0.0, 0.0])


@pytest.mark.parametrize(
    ("pieces", "dead"),
    [
        ("", True),
        ("N", True),
        ("b", True),
        ("BBb", True),
        ("Bd", False),
        ("NN", False),
        ("Nb", False),
        ("P", False),
    ],
)
def test_too_few_pieces_to_mate(pieces: str, dead: bool):
    board = np.zeros(64, np.int8)
    board[[4, 60]] = 6, -6
    for number, letter in enumerate(pieces):
        # Squares 16, 18, 20, ... are of one colour; d is a bishop of the other.
        square = 17 if letter == "d" else 16 + 2 * number
        board[square] = {"N": 2, "B": 3, "b": -3, "d": -3, "P": 1}[letter]
    assert bool(DEAD(board)) == dead


def test_positions_are_spelled_and_read():
    for fen in KNOWN:
        assert fen_of(position_of(fen)) == fen and fen_of(position_of(mirrored(fen))) == mirrored(fen)
    state, _ = play(Chess(), "e2e4")
    assert fen_of(state.position) == "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 1"
    state, _ = play(Chess(), "e2e4", "c7c5", "g1f3")
    assert fen_of(state.position) == "rnbqkbnr/pp1ppppp/8/2p5/4P3/5N2/PPPP1PPP/RNBQKB1R b KQkq - 1 2"
    state, _ = play(Chess(KIWIPETE), "e1c1", "e8g8")
    assert fen_of(state.position).startswith(
        "r4rk1/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/2KR3R w - - 2 2"
    )


def test_what_is_seen_is_the_mover_s_view():
    env = Chess()
    first = np.asarray(env.observe(env.reset(KEY)))
    _, done = play(env, "e2e4")
    second = np.asarray(done.obs)
    assert (first[..., :6] == np.flip(first[..., 6:12], 0)).all() and first[..., 12:16].all()
    assert (
        second[4, 4, 6] == 1 and second[6, 4, 6] == 0 and second[5, 4, 16] == 1 and second[..., 16].sum() == 1
    )
    assert (second[..., :6] == first[..., :6]).all() and first.sum() == 32 + 4 * 64


@pytest.mark.parametrize(
    ("fen", "said"),
    [
        ("8/8/8/8/8/8/8 w - -", "has 7"),
        ("k7/8/8/8/8/8/8/K6 w - -", "row 1 of .* has 7"),
        ("k7/8/8/8/8/8/8/K6x w - -", "'x', which is no piece"),
        ("k7/8/8/8/8/8/8/8 w - -", "White has 0 kings"),
        ("k6P/8/8/8/8/8/8/K7 w - -", "pawn"),
        ("k7/8/8/8/8/8/8/K7 x - -", "side to move 'x'"),
        ("k7/8/8/8/8/8/8/K7 w K -", "first squares"),
        ("k7/8/8/8/8/8/8/K6R w - e6", "passed over 'e6'"),
        ("k7/8/8/8/8/8/8/K6R w - - -1 0", "clock, from 0"),
        ("k7/8/8/8/8/8/8/K6R w", "4 or 6 words"),
        ("k6R/8/8/8/8/8/8/K7 w - - 0 1", "take the king"),
        ("k7/8/8/8/8/8/8/K7 w - - 0 1", "over"),
    ],
)
def test_bad_positions_are_said(fen: str, said: str):
    with pytest.raises(BadInput, match=said):
        Chess(fen)


def test_random_games_stay_legal_to_the_end():
    env, rng, ended = Chess(), np.random.default_rng(0), 0
    for _ in range(4):
        state, done = env.reset(KEY), None
        for _ in range(400):
            actions = np.flatnonzero(state.moves)
            done = STEP(state, jnp.asarray(rng.choice(actions)), KEY)
            state = done.state
            assert bool(done.terminated) == (not state.moves.any()) and float(done.reward.sum()) == 0
            assert (np.abs(state.position.board) == 6).sum() == 2
            if bool(done.terminated):
                ended += 1
                break
            assert not done.reward.any()
    assert ended >= 2


def test_depth_is_checked():
    with pytest.raises(BadInput, match="depth of at least 1"):
        perft(START, 0)
    assert perft("7k/5Q2/8/8/8/8/8/K7 b - - 0 1", 3) == [0, 0, 0]
