"""Tables: value iteration gets the values that are known, and moves backwards are moves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.rl.envs.cliff_walking import CliffWalking
from ansatz.rl.envs.deep_sea import DeepSea
from ansatz.rl.envs.frozen_lake import FrozenLake
from ansatz.rl.envs.garnet import Garnet
from ansatz.rl.envs.taxi import Taxi
from ansatz.rl.planning import state_values, value_iteration

TABLES = [
    FrozenLake(),
    FrozenLake("8x8", False),
    CliffWalking(),
    CliffWalking(True),
    Taxi(),
    DeepSea(5),
    Garnet(),
]


def best_values(env, discount):
    """Return v* by value iteration over legal actions."""
    move = env.transitions()
    return state_values(value_iteration(move.going, move.R, discount, env.legal_table()))


@pytest.mark.parametrize("env", TABLES, ids=str)
def test_tables_are_distributions(env):
    table, move = env.outcomes(), env.transitions()
    assert len({values.shape for values in table}) == 1
    assert (table.probability >= 0).all() and np.allclose(table.probability.sum(-1), 1, atol=1e-12)
    assert np.allclose(move.P.sum(-1), 1, atol=1e-12) and np.isclose(env.starts().sum(), 1)
    assert table.state.min() >= 0 and table.state.max() < env.observations.n
    # No pair of states is joined by an outcome that ends and by one that goes on.
    mean = (table.probability * ~table.terminated).sum(-1)
    assert np.allclose(move.going.sum(-1), mean, atol=1e-12)


def test_values_that_are_known():
    assert best_values(CliffWalking(), 1.0)[36] == -13
    assert best_values(FrozenLake(slippery=False), 0.9)[0] == pytest.approx(0.9**5)
    # The slippery lake of 4 x 4 without a time limit, with which Gymnasium states 0.74.
    assert best_values(FrozenLake(), 1.0)[0] == pytest.approx(14 / 17)
    for size in (1, 4, 9):
        assert best_values(DeepSea(size), 1.0)[0] == pytest.approx(0.99)
    start = ((2 * 5 + 2) * 5 + 0) * 4 + 1
    # Four moves to R, aboard, eight to G (around the walls none is longer), off: 20 - 13.
    assert best_values(Taxi(), 1.0)[start] == 20 - 13


def test_deep_sea_is_bsuites():
    size, seed = 6, 42
    env = DeepSea(size, seed)
    mapping = np.random.RandomState(seed).binomial(1, 0.5, [size, size])
    step = jax.jit(env.step)
    draws = np.random.default_rng(0)
    found = 0.0
    for episode in range(40):
        row = column = 0
        state = env.reset(jax.random.key(0))
        while row < size:
            assert int(state) == row * size + column
            right = int(mapping[row, column])
            action = right if episode == 0 else int(draws.integers(2))
            reward = (1.0 if column == size - 1 and action == right else 0.0) - 0.01 / size * (
                action == right
            )
            column = min(column + 1, size - 1) if action == right else max(column - 1, 0)
            row += 1
            taken = step(state, jnp.asarray(action), jax.random.key(0))
            state, found = taken.state, max(found, reward)
            assert float(taken.reward) == pytest.approx(reward, abs=1e-7)
            assert bool(taken.terminated) == (row == size) and not taken.truncated
        assert int(state) == size**2
    assert found > 0.9 and (DeepSea(3, None).right == 1).all()


@pytest.mark.parametrize("env", TABLES, ids=str)
def test_moves_backwards_are_moves(env):
    move, legal = env.transitions(), env.legal_table()
    states = jnp.arange(env.observations.n, dtype=jnp.int32)
    back = jax.jit(jax.vmap(jax.vmap(env.inverse_moves, (None, 0)), (0, None)))
    before = np.asarray(back(states, jax.random.split(jax.random.key(0), 16)))
    leads = ((move.P > 0) & legal[..., None]).any(1) & env.reachable()[:, None]
    for state in range(env.observations.n):
        others = {int(one) for one in before[state]} - {state}
        possible = set(np.flatnonzero(leads[:, state]).tolist()) - {state}
        assert others <= possible and (others or not possible)


def test_reachable_states_are_counted():
    # Dietterich's taxi: 300 beginnings and, aboard, 25 cells times 4 destinations.
    assert Taxi().reachable().sum() == 400
    assert CliffWalking().reachable().sum() == 37
    assert FrozenLake().reachable().sum() == 11
    assert DeepSea(5).reachable().sum() == 15


def test_random_tables_are_of_their_seed():
    one, two, other = Garnet(seed=1), Garnet(seed=1), Garnet(seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(one.transitions(), two.transitions(), strict=True))
    assert not np.array_equal(one.transitions().P, other.transitions().P)
    assert ((one.transitions().P > 0).sum(-1) == 3).all()
    assert np.mean(Garnet(200, ending=0.25).outcomes().terminated) == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: FrozenLake("5x5"), "no lake '5x5'"),
        (lambda: FrozenLake(("SF", "G")), "rows of one length"),
        (lambda: FrozenLake(("SX", "FG")), "'X'"),
        (lambda: FrozenLake(("FF", "FG")), "has none"),
        (lambda: FrozenLake(success=1.5), "1.5"),
        (lambda: DeepSea(0), "at least one row"),
        (lambda: DeepSea(3, cost=-1.0), "not negative"),
        (lambda: Garnet(2, branches=3), "at most 2 states"),
        (lambda: Garnet(0), "at least one state"),
        (lambda: Garnet(ending=2.0), "2.0"),
    ],
)
def test_wrong_parameters_get_a_sentence(make, sentence):
    with pytest.raises(BadInput, match=sentence) as error:
        make()
    assert str(error.value).endswith((".", "]", "?")) or ")" in str(error.value)
