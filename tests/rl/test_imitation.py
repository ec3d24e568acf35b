"""Behaviour cloning: the loss by hand, a teacher learned by heart, positions held out, what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput, Map, Pairs
from ansatz.rl.endgames import table, turned
from ansatz.rl.envs.endgame import Endgame, EndgameState
from ansatz.rl.envs.pendulum import Pendulum
from ansatz.rl.envs.tic_tac_toe import TicTacToe
from ansatz.rl.imitation import Imitate, Lessons, agreement, imitation_loss, taught
from ansatz.rl.minimax import minimax
from ansatz.training.fit import fit

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def lessons():
    """Return the best moves in all positions of tic-tac-toe."""
    solved = minimax(TicTacToe())
    live = np.flatnonzero(~solved.terminal)
    states = jax.tree.map(lambda x: jnp.asarray(x[live]), solved.states)
    return Lessons(TicTacToe(), states, solved.optimal[live])


class Same(Map):
    """The same logits everywhere."""

    logits: jax.Array

    def __call__(self, x, *, key=None):
        return self.logits


@pytest.mark.parametrize("any_best", [True, False])
def test_the_loss_is_that_of_the_formula(any_best):
    env, logits = TicTacToe(), np.linspace(-1, 1, 9)
    state = jax.tree.map(lambda x: jnp.stack([x, x]), env.reset(KEY))
    legal = np.ones((2, 9), bool)
    legal[1, 8] = False
    best = np.zeros((2, 9), bool)
    best[0, [0, 8]] = best[1, 3] = True
    wanted = 0.0
    for row in range(2):
        weights = np.where(legal[row], np.exp(logits), 0)
        p = weights / weights.sum()
        wanted -= np.log(p[best[row]].sum()) if any_best else np.log(p[best[row]]).mean()
    batch = Pairs((state, jnp.asarray(legal)), jnp.asarray(best))
    loss, metrics = imitation_loss(env, any_best)(Same(jnp.asarray(logits)), batch, None)
    assert float(loss) == pytest.approx(wanted / 2, rel=1e-5)
    # The likeliest legal moves are 8 and 7, and 8 alone is one of the teacher's.
    assert float(metrics["agreement"]) == 0.5


def test_a_teacher_is_learned_by_heart_and_carries_over(lessons):
    held = np.arange(len(lessons)) % 10 == 0
    recipe = Imitate(width=128, batch=256, learning_rate=3e-3)
    run = fit(recipe, lessons.take(~held), steps=600, key=0)
    assert agreement(run.model, lessons.take(~held)) >= 0.97
    assert agreement(run.model, lessons.take(held)) >= 0.85
    fresh = recipe.build(lessons, KEY).model
    assert agreement(fresh, lessons) < 0.8


def test_a_teacher_may_be_a_function_of_states(lessons):
    env = lessons.env
    told = taught(env, lessons.take(np.arange(50)).states, lambda state: jnp.argmax(env.legal(state)))
    legal = np.asarray(jax.vmap(env.legal)(told.states))
    assert (told.policy.argmax(1) == legal.argmax(1)).all() and (told.policy.sum(1) == 1).all()


def test_turned_positions_of_an_endgame_are_as_far_from_mate():
    white = table("queen").white.ravel()
    index = np.random.default_rng(0).choice(np.flatnonzero(white >= 0), 2000, False)
    least = turned(index)
    assert (white[least] == white[index]).all() and (turned(least) == least).all()
    assert len(np.unique(turned(np.flatnonzero(white >= 0)))) < 0.14 * (white >= 0).sum()


def test_relative_positions_of_an_endgame_mark_how_far_pieces_are_apart():
    env, plain = Endgame("queen", relative=True), Endgame("queen")
    king, queen, other = 3 * 8 + 4, 7 * 8 + 0, 0 * 8 + 6
    state = EndgameState(jnp.asarray((king * 64 + queen) * 64 + other, jnp.int32))
    obs = np.asarray(env.observe(state))
    assert obs.shape == env.observations.shape == (867,) and obs.sum() == 6
    assert (obs[:192] == np.asarray(plain.observe(state))).all()
    apart = obs[192:].reshape(3, 15, 15)
    for board, (one, two) in zip(apart, ((king, other), (queen, king), (other, queen)), strict=True):
        assert board[one // 8 - two // 8 + 7, one % 8 - two % 8 + 7] == 1


def test_bad_input_gets_a_sentence(lessons):
    with pytest.raises(BadInput, match=r"a row of 9 moves for each state, not moves of shape \[7, 9\]"):
        Lessons(lessons.env, lessons.states, np.asarray(lessons.policy)[:7])
    with pytest.raises(BadInput, match="Row 1 of the moves is"):
        Lessons(lessons.env, lessons.take(np.arange(2)).states, np.eye(9)[[0, 0]] * [[1], [0]])
    with pytest.raises(BadInput, match="those of Pendulum are continuous"):
        taught(Pendulum(), Pendulum().reset(KEY), lambda state: state)
    with pytest.raises(BadInput, match="not TicTacToe"):
        Imitate().build(TicTacToe(), KEY)
    with pytest.raises(BadInput, match="batch is an integer"):
        Imitate(batch=0).build(lessons, KEY)
