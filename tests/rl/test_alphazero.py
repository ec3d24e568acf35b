"""AlphaZero: the loss, the outcomes that are learned, and that they are, with two players and with one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.core import BadInput
from ansatz.rl.alphazero import AlphaZero, search_loss
from ansatz.rl.alphazero_games import Games, Move, Positions, outcomes
from ansatz.rl.envs.pendulum import Pendulum
from ansatz.rl.envs.puzzle import Puzzle, PuzzleState
from ansatz.rl.envs.tic_tac_toe import TicTacToe
from ansatz.rl.mcts import Search
from ansatz.rl.minimax import minimax
from ansatz.training.fit import fit

KEY = jax.random.key(3)


@pytest.fixture(scope="module")
def solved():
    return minimax(TicTacToe())


def test_the_loss_is_its_formula_and_illegal_logits_have_no_gradient():
    model = AlphaZero(width=6, depth=1).build(TicTacToe(), KEY).model
    random = np.random.default_rng(0)
    legal = random.random((5, 9)) < 0.6
    legal[:, 0] = True
    policy = np.where(legal, random.random((5, 9)), 0)
    policy /= policy.sum(1, keepdims=True)
    obs, z = random.random((5, 3, 3, 2)), random.uniform(-1, 1, 5)
    batch = Positions(*(jnp.asarray(x, jnp.float32) for x in (obs, legal, policy, z)))
    batch = batch._replace(legal=jnp.asarray(legal))
    loss, metrics = jax.jit(search_loss(0.01, 0.5))(model, batch, None)
    logits, value = (np.asarray(x, float) for x in jax.jit(jax.vmap(model))(batch.obs))
    p = np.where(legal, np.exp(logits), 0)
    p /= p.sum(1, keepdims=True)
    cross = -(policy * np.log(np.where(legal, p, 1))).sum(1).mean()
    entropy = -(policy * np.log(np.where(policy > 0, policy, 1))).sum(1).mean()
    size = sum(float((np.asarray(x, float) ** 2).sum()) for x in jax.tree.leaves(model))
    wrong = ((z - value) ** 2).mean()
    assert float(loss) == pytest.approx(cross + 0.5 * wrong + 0.01 * size, rel=1e-5)
    assert float(metrics["policy"]) == pytest.approx(cross - entropy, rel=1e-4)
    one = jax.tree.map(lambda x: x[:1], batch)
    slope = jax.jit(jax.grad(lambda m: search_loss(0.0)(m, one, None)[0]))(model).body.last.bias
    assert (np.asarray(slope)[:9][~legal[0]] == 0).all() and (np.asarray(slope)[:9][legal[0]] != 0).all()


def test_outcomes_go_back_through_the_players_turns():
    random, shape = np.random.default_rng(1), (7, 20)
    reward, after, value = (random.normal(size=shape) for _ in range(3))
    carry = random.choice([-0.9, 0.9, 0.0], shape)
    cut, guess = random.random(shape) < 0.2, random.random(shape) < 0.2
    low, high = -random.random(shape), random.random(shape)
    last = random.normal(size=20)
    moves = Move(*map(jnp.asarray, (reward, carry, cut, after, guess, value, low, high)))
    found = np.asarray(outcomes(moves, jnp.asarray(last)))
    for e in range(20):
        z = last[e]
        for t in reversed(range(7)):
            z = after[t, e] if cut[t, e] else z
            z = value[t, e] if guess[t, e] else reward[t, e] + carry[t, e] * z
            z = min(max(z, low[t, e]), high[t, e])
            assert float(found[t, e]) == pytest.approx(z, abs=1e-5)


def test_rows_of_the_ring_hold_positions_exactly():
    for env, options in ((TicTacToe(), {"bounds": (-1.0, 1.0)}), (Puzzle(2), {})):
        games = Games(Search(env, 4, **options), games=3, steps=2, capacity=6, batch=4)
        random, count, n = np.random.default_rng(0), 10, env.actions.n
        legal = random.random((count, n)) < 0.5
        policy = np.where(legal, random.random((count, n)), 0).astype(np.float32)
        obs, z = random.random((count, *env.observations.shape)), random.normal(size=count)
        positions = Positions(obs.astype(np.float32), legal, policy, z.astype(np.float32))
        back = jax.jit(lambda rows, games=games: games._unpacked(games._packed(rows)))(positions)
        for a, b in zip(jax.tree.leaves(positions), jax.tree.leaves(back), strict=True):
            assert a.dtype == b.dtype and np.array_equal(a, b)


@pytest.fixture(scope="module")
def trained():
    recipe = AlphaZero(
        games=64, steps=16, simulations=16, opening=8, batches=8, batch=256, capacity=16_384, width=64,
        learning_rate=4e-3,
    )  # fmt: skip
    return fit(recipe, TicTacToe(), steps=60)


def test_what_is_learned_before_the_end_is_the_truth(trained, solved):
    """Before the last move all is proven, so that z is the value; before the one before it nearly all is."""
    env = TicTacToe()
    source = trained.recipe.build(env, KEY).source
    ring = next(x for x in trained.state.values() if x.shape[:1] == (16_384,))
    obs, legal, policy, target = (np.asarray(x) for x in source._unpacked(jnp.asarray(ring)))
    place = {row.tobytes(): i for i, row in enumerate(np.asarray(jax.vmap(env.observe)(solved.states)))}
    rows = np.array([place[row.tobytes()] for row in obs])
    assert not solved.terminal[rows].any() and len(set(rows.tolist())) > 2000
    assert np.array_equal(legal, solved.after[rows] >= 0)
    np.testing.assert_allclose(policy.sum(1), 1, rtol=1e-5)
    assert (policy[~legal] == 0).all() and (np.abs(target) <= 1).all()
    right, best = target == solved.value[rows], np.where(solved.optimal[rows], policy, 0).sum(1)
    last, before = legal.sum(1) == 1, legal.sum(1) == 2
    assert last.sum() > 300 and right[last].all() and set(target[last].tolist()) == {0, 1}
    # A proven draw may keep all visits, if the network thinks little of the other move.
    assert before.sum() > 300 and right[before].mean() > 0.9 and best[before].mean() > 0.9
    assert (target[before] == -1).any()
    assert 5 <= trained.history["length"].mean() <= 9


def test_it_learns_tic_tac_toe(trained, solved):
    env, live = TicTacToe(), ~solved.terminal
    state = jax.tree.map(lambda x: jnp.asarray(x[live]), solved.states)
    obs, legal = jax.vmap(env.observe)(state), jax.vmap(env.legal)(state)
    action = np.asarray(jax.jit(jax.vmap(trained.model.act))(obs, legal))
    assert solved.optimal[live][np.arange(live.sum()), action].mean() >= 0.93
    value = trained.history["value"]
    assert value[-5:].mean() < 0.7 * value[:5].mean()


def test_it_learns_a_puzzle_of_one_player():
    """In the puzzle of 2 × 2 cells every move costs 1: the value is minus the distance, of 1 to 6 moves."""
    env = Puzzle(2, limit=40)
    recipe = AlphaZero(
        games=32, steps=8, simulations=16, gamma=1.0, batches=8, batch=128, capacity=4096, width=32,
        learning_rate=5e-3, warm=3,
    )  # fmt: skip
    run = fit(recipe, env, steps=90)
    tiles, distance = _all_of_the_puzzle(env)
    state = PuzzleState(jnp.asarray(tiles), jnp.zeros(len(tiles), jnp.int32))

    @jax.jit
    @jax.vmap
    def judged(state):
        obs = env.observe(state)
        action = run.model.act(obs, env.legal(state))
        return run.model.value(obs), env.step(state, action, KEY).state.tiles

    value, after = judged(state)
    np.testing.assert_allclose(value, -distance, atol=0.5)
    known = dict(zip(map(tuple, tiles.tolist()), distance.tolist(), strict=True)) | {(1, 2, 3, 0): 0}
    assert [known[tuple(row)] for row in after.tolist()] == (distance - 1).tolist()


def _all_of_the_puzzle(env):
    """Return the positions from which the solved one can be reached, and how many moves that takes."""
    known, level = {tuple(env.solved.tiles.tolist()): 0}, [tuple(env.solved.tiles.tolist())]
    while level:
        fresh = []
        for tiles in level:
            blank = tiles.index(0)
            for near in (blank ^ 1, blank ^ 2):
                new = list(tiles)
                new[blank], new[near] = new[near], 0
                if tuple(new) not in known:
                    known[tuple(new)] = known[tiles] + 1
                    fresh.append(tuple(new))
        level = fresh
    del known[tuple(env.solved.tiles.tolist())]
    return np.array(list(known), np.int32), np.array(list(known.values()))


def test_bad_input_gets_a_sentence():
    for recipe, env, words in (
        (AlphaZero(), Pendulum(), "those of Pendulum are continuous"),
        (AlphaZero(), "chess", "not str"),
        (AlphaZero(capacity=10), TicTacToe(), "does not hold the 2048"),
        (AlphaZero(temperature=-1.0), TicTacToe(), "temperature >= 0"),
        (AlphaZero(decay=-1.0), TicTacToe(), "decay"),
        (AlphaZero(simulations=0), TicTacToe(), "simulations is an integer of at least 1"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(recipe, env, steps=1)
