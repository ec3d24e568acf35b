"""Tic-tac-toe and connect four against counts and plain-Python rules."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.rl.envs import connect_four
from ansatz.rl.envs.connect_four import ConnectFour, has_four
from ansatz.rl.envs.kuhn import Kuhn
from ansatz.rl.envs.puzzle import Puzzle
from ansatz.rl.envs.tic_tac_toe import LINES, TicTacToe
from ansatz.rl.minimax import Solved, minimax

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def solved() -> Solved:
    return minimax(TicTacToe())


def plain_value(marks: tuple[int, ...], mark: int, known: dict) -> int:
    """Return the value for the player to move, by the definition."""
    if marks not in known:
        lost = any(all(marks[cell] == -mark for cell in line) for line in LINES)
        free = [cell for cell in range(9) if not marks[cell]]
        after = [(*marks[:cell], mark, *marks[cell + 1 :]) for cell in free]
        known[marks] = -1 if lost else max((-plain_value(one, -mark, known) for one in after), default=0)
    return known[marks]


def test_every_position_of_tic_tac_toe_has_its_value(solved: Solved):
    known: dict = {}
    assert plain_value((0,) * 9, 1, known) == 0
    assert len(known) == len(solved.value) == 5478
    assert (~solved.terminal).sum() == 4520
    marks = [tuple(row) for row in solved.states.marks.tolist()]
    values = {one: int(value) for one, value in zip(marks, solved.value, strict=True)}
    ends = {one for one, end in zip(marks, solved.terminal, strict=True) if end}
    assert {one: 0 if one in ends else value for one, value in known.items()} == values
    assert sum(known[one] == -1 for one in ends) == 942 and sum(known[one] == 0 for one in ends) == 16


def test_optimal_moves_keep_the_value(solved: Solved):
    known: dict = {}
    plain_value((0,) * 9, 1, known)
    for marks, action, optimal in zip(
        solved.states.marks.tolist(), solved.action, solved.optimal, strict=True
    ):
        mark = 1 - sum(marks) * 2
        gains = {a: -known[(*marks[:a], mark, *marks[a + 1 :])] for a in np.flatnonzero(action > -9)}
        assert {a: int(action[a]) for a in gains} == gains
        assert [a for a in gains if gains[a] == max(gains.values())] == np.flatnonzero(optimal).tolist()
    assert solved.optimal[~solved.terminal].any(axis=1).all() and not solved.optimal[solved.terminal].any()
    assert solved.optimal[0].all()
    corner = solved.after[0, 0]
    assert np.flatnonzero(solved.optimal[corner]).tolist() == [4]


def test_values_of_tic_tac_toe_have_the_symmetries_of_the_square(solved: Solved):
    place = {tuple(row): at for at, row in enumerate(solved.states.marks.tolist())}
    for turned in (np.rot90(np.arange(9).reshape(3, 3)).ravel(), np.arange(9).reshape(3, 3).T.ravel()):
        images = np.array([place[tuple(row)] for row in solved.states.marks[:, turned].tolist()])
        assert (solved.value[images] == solved.value).all()
        assert (solved.optimal[images] == solved.optimal[:, turned]).all()


def test_minimax_refuses_other_games():
    with pytest.raises(BadInput, match="two players"):
        minimax(Puzzle())
    with pytest.raises(BadInput, match="more than 100 states"):
        minimax(TicTacToe(), limit=100)


def plain_four(own: np.ndarray) -> bool:
    """Tell by looking at every cell in every direction."""
    cells = {tuple(cell) for cell in np.argwhere(own)}
    steps = [(0, 1), (1, 0), (1, 1), (1, -1)]
    return any(all((r + k * a, c + k * b) in cells for k in range(4)) for r, c in cells for a, b in steps)


def test_four_in_a_row_is_seen():
    rng = np.random.default_rng(0)
    boards = rng.random((4000, 6, 7)) < rng.uniform(0.1, 0.6, (4000, 1, 1))
    lines = (boards * 2 ** np.arange(7)).sum(-1)
    found = np.asarray(jax.jit(jax.vmap(has_four))(jnp.asarray(lines, jnp.int32)))
    plain = np.array([plain_four(board) for board in boards])
    assert (found == plain).all() and 0.2 < plain.mean() < 0.8


def test_connect_four_has_as_many_positions_as_known():
    env, known = ConnectFour(), [1, 7, 49, 238, 1120, 4263, 16422]

    @jax.jit
    @jax.vmap
    def expand(state):
        steps = jax.vmap(lambda a: env.step(state, a, KEY))(jnp.arange(7, dtype=jnp.int32))
        return steps.state, env.legal(state)

    def padded(tree, count):
        rows = np.minimum(np.arange(4608), count - 1)
        return jax.tree.map(lambda x: np.asarray(x)[rows], tree)

    level = jax.tree.map(lambda x: np.asarray(x)[None], env.reset(KEY))
    counts, count = [1], 1
    while len(counts) < len(known):
        states, legal = jax.tree.map(lambda x: np.asarray(x)[:count], expand(padded(level, count)))  # noqa: B023
        after = jax.tree.map(lambda x: x[legal], states)  # noqa: B023
        _, first = np.unique(after.discs.reshape(len(after.turn), -1), axis=0, return_index=True)
        level, count = jax.tree.map(lambda x: x[first], after), len(first)  # noqa: B023
        counts.append(count)
    assert counts == known


def test_connect_four_pays_who_connects_and_mirrors():
    env, step = ConnectFour(), jax.jit(ConnectFour().step)
    played = {}
    for side in (False, True):
        state, rewards = env.reset(KEY), []
        for column in (3, 3, 2, 2, 4, 4, 5):
            done = step(state, jnp.asarray(6 - column if side else column), KEY)
            state = done.state
            rewards.append(done.reward.tolist())
        assert rewards == [[0.0, 0.0]] * 6 + [[1.0, -1.0]]
        assert bool(done.terminated) and not bool(done.truncated) and not env.legal(state).any()
        played[side] = state
    assert (played[False].discs == played[True].discs[:, ::-1]).all()
    assert env.render(played[False]).splitlines()[-3:] == ["· · ○ ○ ○ · ·", "· · ● ● ● ● ·", "0 1 2 3 4 5 6"]


def test_a_full_column_is_illegal_and_a_full_board_is_a_draw():
    env, step = ConnectFour(), jax.jit(ConnectFour().step)
    state = env.reset(KEY)
    # Columns filled in this order leave no four in a row.
    order = [0] * 6 + [1] * 6 + [4] + [2] * 6 + [3] * 6 + [6] * 6 + [4] * 5 + [5] * 6
    for number, column in enumerate(order):
        assert bool(env.legal(state)[column])
        done = step(state, jnp.asarray(column), KEY)
        state = done.state
        assert bool(done.terminated) == (number == len(order) - 1)
        assert bool(env.legal(state)[0]) == (number < 5)
    assert done.reward.tolist() == [0.0, 0.0]


def test_planes_are_those_of_the_player_to_move():
    for env, action, cell in ((TicTacToe(), 4, (1, 1)), (ConnectFour(), 2, (0, 2))):
        step = jax.jit(env.step)
        first = step(env.reset(KEY), jnp.asarray(action), KEY)
        assert float(first.obs[(*cell, 1)]) == 1 and float(first.obs.sum()) == 1
        second = step(first.state, jnp.asarray(0), KEY)
        assert float(second.obs[(*cell, 0)]) == 1 and float(second.obs.sum()) == 2
        assert int(env.player(second.state)) == 0


def test_sizes_are_those_of_the_classic_game():
    assert (connect_four.ROWS, connect_four.COLUMNS) == (6, 7)
    assert Kuhn().players == TicTacToe().players == ConnectFour().players == 2
