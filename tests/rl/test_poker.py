"""Kuhn and Leduc poker and games of one choice: information sets, exploitability, CFR, against OpenSpiel."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.rl.cfr import minimise_regret
from ansatz.rl.envs.kuhn import Kuhn
from ansatz.rl.envs.leduc import Leduc
from ansatz.rl.envs.matrix_games import (
    MatrixGame,
    climbing,
    matching_pennies,
    no_scissors,
    rock_paper_scissors,
)
from ansatz.rl.envs.puzzle import Puzzle
from ansatz.rl.envs.tic_tac_toe import TicTacToe
from ansatz.rl.equilibrium import equilibrium
from ansatz.rl.extensive import (
    Game,
    best_responses,
    expected_returns,
    exploitability,
    extensive,
    nash_conv,
)

KEY = jax.random.key(0)
GOLDEN = Path(__file__).parents[1] / "golden" / "poker.npz"
BOTH = jax.jit(lambda game, policy: jnp.append(expected_returns(game, policy), nash_conv(game, policy)))
ENVS = {"kuhn": Kuhn(), "leduc": Leduc()}


@pytest.fixture(scope="module")
def golden() -> dict:
    return dict(np.load(GOLDEN, allow_pickle=False))


@pytest.fixture(scope="module")
def games() -> dict[str, Game]:
    return {name: extensive(env) for name, env in ENVS.items()}


def measured(game: Game, policy: np.ndarray) -> np.ndarray:
    """Return the players' returns and NashConv in double precision."""
    with jax.enable_x64(True):
        return np.asarray(BOTH(game, jnp.asarray(policy, jnp.float64)))


def in_our_order(game: Game, golden: dict, name: str) -> np.ndarray:
    """Return which of OpenSpiel's information states each of ours is."""
    places = {row.tobytes(): at for at, row in enumerate(golden[f"{name}/tensors"])}
    return np.array([places[row.astype(np.int8).tobytes()] for row in game.observations])


@pytest.mark.parametrize("name", ["kuhn", "leduc"])
def test_information_sets_are_openspiels(games: dict, golden: dict, name: str):
    game = games[name]
    assert len(game.legal) == {"kuhn": 12, "leduc": 936}[name]
    order = in_our_order(game, golden, name)
    assert sorted(order.tolist()) == list(range(len(order)))
    assert (golden[f"{name}/legal"][order] == game.legal).all()


@pytest.mark.parametrize("name", ["kuhn", "leduc"])
def test_values_and_nash_conv_are_openspiels(games: dict, golden: dict, name: str):
    game, order = games[name], in_our_order(games[name], golden, name)
    assert golden[f"{name}/uniform/values"][-1] == pytest.approx(
        {"kuhn": 11 / 12, "leduc": 4.747222}[name], 1e-6
    )
    uniform = game.legal / game.legal.sum(axis=1, keepdims=True)
    for kind, policy in (("uniform", uniform), ("random", golden[f"{name}/random/policy"][order])):
        np.testing.assert_allclose(
            measured(game, policy), golden[f"{name}/{kind}/values"], rtol=0, atol=1e-12
        )
    single = jax.jit(nash_conv)(game, jax.jit(Game.uniform)(game))
    assert single.dtype == jnp.float32 and float(single) == pytest.approx(
        golden[f"{name}/uniform/values"][-1], 1e-5
    )


@pytest.mark.parametrize("plus", [False, True])
@pytest.mark.parametrize("name", ["kuhn", "leduc"])
def test_cfr_follows_openspiel(games: dict, golden: dict, name: str, plus: bool):
    key = f"{name}/cfr{'+' * plus}"
    marks, expected = golden[f"{key}/marks"], golden[f"{key}/exploitability"]
    known = {
        "kuhn/cfr": (0.0687, 0.00823, 0.000938),
        "kuhn/cfr+": (0.0327, 0.00119, 0.000087),
        "leduc/cfr": (0.889, 0.0957),
        "leduc/cfr+": (0.610, 0.0134),
    }[key]
    np.testing.assert_allclose(expected[2:], known, rtol=1e-2)
    found = minimise_regret(games[name], int(marks[-1]), plus=plus, every=1)
    np.testing.assert_allclose(found.exploitability[marks - 1], expected, rtol=0, atol=1e-9)
    order = in_our_order(games[name], golden, name)
    np.testing.assert_allclose(found.policy, golden[f"{key}/policy"][order], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["kuhn", "leduc"])
def test_cfr_of_both_players_at_once_follows_openspiel(games: dict, golden: dict, name: str):
    plus = name == "kuhn"
    key = f"{name}/cfr{'+' * plus}/at_once"
    marks, expected = golden[f"{key}/marks"], golden[f"{key}/exploitability"]
    found = minimise_regret(games[name], int(marks[-1]), plus=plus, alternating=False, every=1)
    np.testing.assert_allclose(found.exploitability[marks - 1], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "value"), [("kuhn", -1 / 18), ("leduc", -0.085606424078)])
def test_the_linear_program_finds_the_value(games: dict, name: str, value: float):
    found = equilibrium(games[name])
    assert found.value == pytest.approx(value, abs=1e-8)
    assert measured(games[name], found.policy)[-1] < 1e-6


def kuhn_equilibrium(game: Game, alpha: float) -> np.ndarray:
    """Return Kuhn's equilibrium: the first player bets α with J and 3 α with K."""
    bet = np.zeros(12)
    for row, seen in enumerate(game.observations.astype(int)):
        card, bets = int(seen[2:5].argmax()), [tuple(pair) for pair in seen[5:].reshape(3, 2).tolist()]
        said = "".join("pb"[pair[1]] for pair in bets if any(pair))
        bet[row] = {
            "": (alpha, 0, 3 * alpha),
            "pb": (0, alpha + 1 / 3, 1),
            "p": (1 / 3, 0, 1),
            "b": (0, 1 / 3, 1),
        }[said][card]
    return np.stack([1 - bet, bet], axis=1)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1 / 3])
def test_kuhns_family_of_equilibria_cannot_be_exploited(games: dict, alpha: float):
    game = games["kuhn"]
    found = measured(game, kuhn_equilibrium(game, alpha))
    np.testing.assert_allclose(found, [-1 / 18, 1 / 18, 0], rtol=0, atol=1e-15)
    assert (measured(game, kuhn_equilibrium(game, alpha + 0.05))[-1] > 1e-3) == (alpha == 1 / 3)


@pytest.mark.parametrize("name", ["kuhn", "leduc"])
def test_playing_the_game_pays_what_the_tree_says(golden: dict, name: str):
    """Play episodes with the environment by a policy looked up by what is observed."""
    env, episodes = ENVS[name], 4_000
    rows = jnp.asarray(golden[f"{name}/random/policy"], jnp.float32)
    tensors = jnp.asarray(golden[f"{name}/tensors"], jnp.float32)

    def episode(key):
        def one(carry, key):
            state, paid, over = carry
            row = jnp.argmax(tensors @ env.observe(state) - jnp.sum(tensors, axis=1) / 1e3)
            step = env.step(state, jax.random.categorical(key, jnp.log(rows[row])), key)
            legal = env.legal(state).any() == ~over
            after = jax.tree.map(lambda a, b: jnp.where(over, a, b), state, step.state)
            return (after, paid + jnp.where(over, 0.0, step.reward), over | step.terminated), legal

        keys = jax.random.split(key, 9)
        start = env.reset(keys[0]), jnp.zeros(2), jnp.zeros((), bool)
        (_, paid, over), legal = jax.lax.scan(one, start, keys[1:])
        return paid, over & jnp.all(legal)

    paid, fine = jax.jit(jax.vmap(episode))(jax.random.split(KEY, episodes))
    assert fine.all() and (paid.sum(axis=1) == 0).all()
    expected, spread = golden[f"{name}/random/values"][0], float(paid[:, 0].std()) / episodes**0.5
    assert abs(float(paid[:, 0].mean()) - expected) < 4 * spread


def nash_of(tree: Game, *policies: tuple[float, ...]) -> tuple[float, list[float]]:
    size = tree.legal.shape[1]
    policy = np.array([[*row, *[0.0] * (size - len(row))] for row in policies])
    found = measured(tree, policy)
    return float(found[-1]), found[:-1].tolist()


def test_games_of_one_choice_have_their_equilibria():
    third = (1 / 3,) * 3
    for game, first, second, value in (
        (rock_paper_scissors(), third, third, 0.0),
        (matching_pennies(), (0.5, 0.5), (0.5, 0.5), 0.0),
        (no_scissors(), (0.0, 2 / 3, 1 / 3), (1 / 3, 2 / 3), 1 / 3),
    ):
        tree = extensive(game)
        regret, returns = nash_of(tree, first, second)
        assert abs(regret) < 1e-15 and returns == pytest.approx([value, -value], abs=1e-15)
        found = equilibrium(tree)
        assert found.value == pytest.approx(value, abs=1e-9)
        np.testing.assert_allclose(found.policy[0], first, atol=1e-9)
        np.testing.assert_allclose(found.policy[1][: len(second)], second, atol=1e-9)
    regret, returns = nash_of(extensive(rock_paper_scissors()), (1.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    assert regret == 2 and returns == [0, 0]


def test_the_co_operative_game_has_more_than_one_equilibrium():
    tree = extensive(climbing())
    for choice, pay in (((1.0, 0.0, 0.0), 11.0), ((0.0, 1.0, 0.0), 7.0)):
        assert nash_of(tree, choice, choice) == (0.0, [pay, pay])
    assert nash_of(tree, (0.0, 0.0, 1.0), (0.0, 0.0, 1.0))[0] == 1.0
    with pytest.raises(BadInput, match="do not cancel"):
        equilibrium(tree)


def test_matrix_games_hide_the_first_choice_and_mask_the_surplus():
    game, step = no_scissors(), jax.jit(no_scissors().step)
    start = game.reset(KEY)
    assert game.legal(start).tolist() == [True] * 3
    seen = [step(start, jnp.asarray(action), KEY) for action in range(3)]
    assert all((one.obs == seen[0].obs).all() and not one.terminated for one in seen)
    assert game.legal(seen[0].state).tolist() == [True, True, False]
    last = step(seen[2].state, jnp.asarray(0), KEY)
    assert last.reward.tolist() == [-1.0, 1.0] and bool(last.terminated)
    assert not game.legal(last.state).any() and game.render(last.state) == "scissors against rock"


def test_exploitability_compiles_and_has_gradients(games: dict):
    game = games["kuhn"]
    slope = jax.jit(jax.grad(lambda z: exploitability(game, jax.nn.softmax(z))))(jnp.zeros((12, 2)))
    assert bool(jnp.isfinite(slope).all()) and float(jnp.abs(slope).max()) > 0
    best = jax.jit(best_responses)(game, jnp.full((12, 2), 0.5))
    assert best.tolist() == pytest.approx([0.5, 5 / 12], abs=1e-6)


def test_leduc_is_drawn_and_dealt():
    env, step = Leduc(), jax.jit(Leduc().step)
    state = env._dealt(jnp.array([4, 1, 5], jnp.int32))
    assert env.render(state) == "K against J, ? on the table, 1-1"
    paid = []
    for action in (2, 2, 1, 1, 2, 1):
        done = step(state, jnp.asarray(action), KEY)
        state = done.state
        paid.append(done.reward.tolist())
    assert env.render(state) == "K against J, K on the table, 9-9: rrc | crc"
    assert paid == [[0.0, 0.0]] * 5 + [[9.0, -9.0]] and bool(done.terminated)
    assert Kuhn().render(Kuhn()._dealt(jnp.array([2, 0], jnp.int32))) == "K against J"
    deals = np.asarray(jax.jit(jax.vmap(env.reset))(jax.random.split(KEY, 6000)).cards)
    counts = np.unique(deals, axis=0, return_counts=True)[1]
    assert len(counts) == 120 and ((counts - 50) ** 2 / 50).sum() < 180


class Forgetful(Kuhn):
    """Kuhn's poker without a memory of the own bet."""

    def observe(self, state):
        return super().observe(state).at[5:].set(0)


def test_games_that_are_no_such_tree_are_refused():
    with pytest.raises(BadInput, match="`deals`"):
        extensive(TicTacToe())
    with pytest.raises(BadInput, match="`deals`"):
        extensive(Puzzle())
    with pytest.raises(BadInput, match="forget"):
        extensive(Forgetful())
    with pytest.raises(BadInput, match="iterations >= 1"):
        minimise_regret(Kuhn(), 0)
    with pytest.raises(BadInput, match="two matrices of one shape"):
        MatrixGame(((1.0, 2.0),), ((1.0,),))
    with pytest.raises(BadInput, match="finite amounts"):
        MatrixGame(((float("nan"),),), ((1.0,),))
