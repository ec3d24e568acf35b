"""Self-play: advantages of turns by hand, the magnet and the average by their definitions, and Nash."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.rl.worlds import Aim, CartPole

from ansatz.core import BadInput
from ansatz.rl.advantage import Played, Turns, advantage_in_turns, generalized_advantage
from ansatz.rl.contender import averaged, reservoir
from ansatz.rl.envs.kuhn import Kuhn
from ansatz.rl.envs.leduc import Leduc
from ansatz.rl.envs.matrix_games import rock_paper_scissors
from ansatz.rl.envs.tic_tac_toe import TicTacToe
from ansatz.rl.extensive import expected_returns, extensive, plans
from ansatz.rl.policy import Categorical
from ansatz.rl.ppo import clipped_loss
from ansatz.rl.selfplay import SelfPlay, drawn_to_magnet
from ansatz.training.fit import fit
from ansatz.training.prepare import seed_keys
from ansatz.training.step import clock_at

KEY = jax.random.key(1)


@pytest.fixture(scope="module")
def kuhn():
    return extensive(Kuhn())


@pytest.fixture(scope="module")
def leduc():
    return extensive(Leduc())


def by_hand(turns: Turns, gamma: float, lam: float) -> tuple[np.ndarray, np.ndarray]:
    """Follow each move of one record to the same player's next one."""
    reward, value, player, ends, cuts = (np.asarray(x, float) for x in turns)
    length = len(value)
    advantage, known = np.zeros(length), np.zeros(length, bool)
    for t in reversed(range(length - reward.shape[1])):
        total, k = 0.0, t
        while True:
            total += gamma ** (k - t) * reward[k, int(player[t])]
            if ends[k] or cuts[k] or k == length - 1:
                known[t] = bool(ends[k])
                advantage[t] = total - value[t] if known[t] else 0.0
                break
            k += 1
            if player[k] == player[t]:
                known[t] = True
                advantage[t] = total + gamma ** (k - t) * (value[k] + lam * advantage[k]) - value[t]
                break
    return advantage, known


def test_advantages_in_turns_follow_each_player():
    random = np.random.default_rng(0)
    shape = (60, 5)
    draws = random.random(shape)
    turns = Turns(
        random.normal(size=(*shape, 3)).astype(np.float32),
        random.normal(size=shape).astype(np.float32),
        random.integers(0, 3, shape).astype(np.int32),
        draws < 0.1,
        (draws > 0.95) | (draws < 0.02),
    )
    advantage, known = jax.jit(lambda t: advantage_in_turns(t, 0.9, 0.7))(jax.tree.map(jnp.asarray, turns))
    for game in range(5):
        expected, told = by_hand(jax.tree.map(lambda x: x[:, game], turns), 0.9, 0.7)  # noqa: B023
        np.testing.assert_allclose(advantage[:, game], expected, atol=1e-5)
        assert (np.asarray(known)[:, game] == told).all()
    assert 0.5 < known.mean() < 1


def test_turns_of_one_player_are_the_usual_advantage():
    random = np.random.default_rng(1)
    reward, value, after = jnp.asarray(random.normal(size=(3, 20)), jnp.float32)
    ends = jnp.arange(20) % 5 == 4
    never = jnp.zeros(20, bool)
    found, known = advantage_in_turns(
        Turns(reward[:, None], value, jnp.zeros(20, jnp.int32), ends, never), 0.9, 0.8
    )
    played = Played(reward, value, jnp.append(value[1:], after[0]), ends, never)
    np.testing.assert_allclose(found[:15], generalized_advantage(played, 0.9, 0.8)[:15], atol=1e-5)
    assert known.tolist() == [True] * 19 + [False] and float(found[19]) == 0


@pytest.fixture(scope="module")
def batch():
    """A batch of Kuhn's poker with whole returns, and the parts that made it."""
    recipe = SelfPlay(envs=64, steps=20, lam=1.0, width=8, depth=1, magnet="moving", opponents="past")
    parts = recipe.build(Kuhn(), KEY)
    play = jax.jit(
        lambda model, key: parts.source.next(parts.source.init(model, key), model, clock_at(0, 1), key)
    )
    return parts, play(parts.model, KEY)[0]


def test_one_seat_a_game_learns_from_what_it_was_paid(batch):
    parts, found = batch
    moves = found.samples
    seat = np.tile(np.arange(64) % 2, 20)
    player = np.asarray(moves.obs)[:, 1].astype(int)
    learned = np.asarray(moves.advantage) != 0
    assert not learned[player != seat].any() and not learned[18 * 64 :].any()
    assert learned[: 18 * 64][(player == seat)[: 18 * 64]].all()
    # Later ones may be bootstrapped from a move among the last two.
    paid = np.asarray(moves.target)[: 16 * 64][learned[: 16 * 64]]
    np.testing.assert_allclose(np.abs(paid), np.where(np.abs(paid) > 1.5, 2.0, 1.0), atol=1e-4)
    np.testing.assert_allclose(moves.target[~learned], moves.value[~learned], atol=1e-6)
    log_p = jax.vmap(lambda o, m, a: parts.model.policy(o, m).log_prob(a))(
        moves.obs, moves.legal, moves.action
    )
    np.testing.assert_allclose(moves.log_prob, log_p, atol=1e-5)
    games = found.episodes
    assert float(games.ended.total) == float(games.ended.weight) > 300
    assert games.returns.total.shape == (2,) and float(games.returns.total.sum()) == 0


def test_the_magnet_is_the_divergence_from_it(batch):
    parts, found = batch
    model, moves = parts.model, found.samples
    plain = clipped_loss(0.2)
    value, metrics = plain(model, moves, None)
    policy = jax.vmap(model.policy)(moves.obs, moves.legal)
    for magnet in (None, jax.random.normal(KEY, moves.magnet.shape)):
        other, told = drawn_to_magnet(plain, 0.3)(model, moves._replace(magnet=magnet), None)
        p = np.exp(np.asarray(policy.log_p, float))
        q = np.full_like(p, 0.5) if magnet is None else np.exp(Categorical(magnet, moves.legal).log_p)
        away = (p * np.log(p / q)).sum(1).mean()
        assert float(other - value) == pytest.approx(0.3 * away, abs=1e-5)
        assert float(told["magnet"]) == pytest.approx(away, abs=1e-5)
        assert told.keys() == metrics.keys() | {"magnet"}
    # At first the magnet is the policy itself.
    np.testing.assert_allclose(moves.magnet, policy.logits, atol=1e-6)


def test_the_average_policy_gets_what_the_policies_get_on_average(kuhn):
    some = jax.nn.softmax(3 * jax.random.normal(KEY, (5, 12, 2)))
    rival = jax.nn.softmax(jax.random.normal(jax.random.key(2), (12, 2)))
    rows = kuhn.rows(0)
    against = jax.jit(lambda one: expected_returns(kuhn, rival.at[rows].set(one[rows]))[0])
    mean = averaged(kuhn, jax.jit(jax.vmap(lambda one: plans(kuhn, one)))(some).sum(0))
    got = np.mean([against(one) for one in some])
    assert float(against(mean)) == pytest.approx(got, abs=1e-6)
    # The policy with the mean of the probabilities is another one.
    assert abs(float(against(some.mean(0))) - got) > 1e-3
    assert (np.asarray(averaged(kuhn, jnp.zeros(kuhn.sequences))) == 0.5).all()


def test_the_pool_is_of_all_times_alike():
    def kept(size: int, period: int, steps: int) -> list[float]:
        """Return which of the numbers 1, …, steps, offered one after the other, are among 0 in the end."""
        one = lambda i, past: reservoir(past, jnp.full(1, i + 1.0), clock_at(i, 1), period)  # noqa: E731
        return np.asarray(jax.lax.fori_loop(0, steps, one, jnp.zeros((size, 1))))[:, 0].tolist()

    assert kept(4, 5, 19) == [0.0, 5.0, 10.0, 15.0]
    times = kept(200, 1, 1999)
    assert len(set(times)) == 200
    counts = np.histogram(times, 10, (0, 2000))[0]
    assert ((counts - 20) ** 2 / 20).sum() < 28


@pytest.mark.parametrize(("env", "width"), [(Kuhn(), 32), (Leduc(), 64), (Leduc(), 256)])
def test_what_is_observed_bends_the_first_nodes(kuhn, leduc, env, width):
    net = SelfPlay(width=width, measured=0).build(env, KEY).model.net
    seen = jax.vmap(net.encoder)((kuhn if isinstance(env, Kuhn) else leduc).observations)
    for first in (net.actor.hidden[0], net.critic.hidden[0]):
        assert 0.5 < float((jax.vmap(first)(seen) ** 2).mean()) < 2


def test_kuhn_comes_near_nash_with_a_magnet_and_not_without():
    options = {"envs": 64, "steps": 32, "width": 32, "learning_rate": 3e-3, "measured": 5}
    near = fit(SelfPlay(**options, last_rate=3e-5), Kuhn(), steps=400)
    away = fit(SelfPlay(**options, magnet="none"), Kuhn(), steps=150)
    found, other = (np.asarray(run.history["exploitability"])[::5] for run in (near, away))
    assert found[-10:].mean() < 0.08 < 0.2 < min(found[0], other[-15:].mean())
    assert near.history["return"][-100:].mean() == pytest.approx(-1 / 18, abs=0.04)


def test_fictitious_play_averages_to_the_equilibrium():
    recipe = SelfPlay(
        opponents="past", envs=128, steps=4, passes=1, minibatches=1, width=8, depth=1, measured=1, period=2,
        learning_rate=1e-2, last_rate=1e-2, temperature=0.3, last_temperature=0.3,
    )  # fmt: skip
    run = fit(recipe, rock_paper_scissors(), steps=400)
    game = extensive(rock_paper_scissors())
    average = np.asarray(run.model.average(game))
    assert np.abs(average - 1 / 3).max() < 0.1
    assert run.history["average_exploitability"][-1] < 0.15


def test_a_magnet_follows_in_a_game_without_deals():
    recipe = SelfPlay(envs=16, steps=18, width=8, depth=1, magnet="moving", magnet_share=0.2)
    run = fit(recipe, TicTacToe(), steps=30)
    assert "exploitability" not in run.history and np.isfinite(run.history["loss"]).all()
    assert 5 <= np.nanmin(run.history["length"]) <= np.nanmax(run.history["length"]) <= 9
    net, magnet = run.model.net.actor, run.model.magnet.value
    away = float(jnp.abs(net.last.weight - magnet.last.weight).max())
    start = recipe.build(TicTacToe(), seed_keys(jax.random.key(0), 1)[0]).model.net.actor
    moved = float(jnp.abs(net.last.weight - start.last.weight).max())
    assert 0 < away < 0.5 * moved
    with pytest.raises(BadInput, match="No average was kept"):
        run.model.average(extensive(Kuhn()))


def test_bad_input_gets_a_sentence():
    for recipe, env, words in (
        (SelfPlay(), CartPole(), "one player, who has nobody to play with"),
        (SelfPlay(), Aim(), "one player"),
        (SelfPlay(), "kuhn", "takes a game .* not str"),
        (SelfPlay(magnet="unifrom"), Kuhn(), "did you mean 'uniform'"),
        (SelfPlay(opponents="pasts"), Kuhn(), "did you mean 'past'"),
        (SelfPlay(magnet_share=0.0), Kuhn(), r"share in \(0, 1\], not 0.0"),
        (SelfPlay(temperature=-1.0), Kuhn(), "temperature is a number above 0"),
        (SelfPlay(measured=-1), Kuhn(), "0 for never, not -1"),
        (SelfPlay(envs=1, steps=1), Kuhn(), "cannot be cut into 4 parts"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(recipe, env, steps=1)
