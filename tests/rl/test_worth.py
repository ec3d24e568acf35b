"""How far returns are to be trusted: interquartile means and their intervals, and what is known exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansatz.core import BadInput
from ansatz.rl.env import Box, Discrete
from ansatz.rl.envs.frozen_lake import FrozenLake
from ansatz.rl.envs.names import make
from ansatz.rl.evaluate import evaluate
from ansatz.rl.reference import SOLVED, Chance, best_return
from ansatz.rl.worth import iqm, worth
from ansatz.rl.wrappers import TimeLimit

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(finite, min_size=1, max_size=40))
def test_the_interquartile_mean_lies_between_the_quartiles(scores):
    ordered = np.sort(scores)
    cut = len(scores) // 4
    kept = ordered[cut : len(scores) - cut]
    assert iqm(scores) == pytest.approx(kept.mean(), rel=1e-9, abs=1e-6)
    assert kept[0] - 1e-6 <= iqm(scores) <= kept[-1] + 1e-6


def test_one_outlier_does_not_move_the_interquartile_mean():
    good = np.full((8, 3), 500.0)
    good[5] = -1e6
    assert worth(good).value == 500.0


def test_intervals_hold_as_often_as_they_say():
    random = np.random.default_rng(0)
    held = [
        one.lower <= 0 <= one.upper for one in (worth(random.normal(size=(1, 60)), at) for at in range(200))
    ]
    # 95 % of 200, within three standard deviations and what the bootstrap of 60 falls short by.
    assert 0.88 <= np.mean(held) <= 0.99


def test_with_several_seeds_the_interval_is_of_seeds_and_not_of_episodes():
    returns = np.repeat(np.arange(8.0)[:, None], 1000, 1)
    found = worth(returns)
    assert found.value == 3.5 and found.upper - found.lower > 1.5


@pytest.mark.parametrize("returns", [np.zeros((0, 3)), np.zeros(3)])
def test_returns_of_another_shape_are_refused(returns):
    with pytest.raises(BadInput, match=r"Returns are \[seeds, episodes\]"):
        worth(returns)


def test_the_best_return_is_that_of_the_horizon():
    # Without slipping the goal is six steps away.
    for limit, best in ((5, 0.0), (6, 1.0), (100, 1.0)):
        assert best_return(TimeLimit(FrozenLake(slippery=False), limit)) == best
    # Slipping, without a limit: 14/17 (Sutton and Barto's equations, solved by hand for this map).
    assert best_return(FrozenLake()) == pytest.approx(14 / 17, abs=1e-6)
    assert best_return(make("CliffWalking-v1")) == pytest.approx(-13.0)
    assert best_return(make("CartPole-v1")) is None


def test_taxi_at_its_best_is_what_gymnasium_calls_solved_or_less():
    assert SOLVED["Taxi-v4"] - 0.2 < best_return(make("Taxi-v4")) < SOLVED["Taxi-v4"] + 0.2


def test_chance_takes_every_legal_action_as_often_and_no_other():
    policy, legal = Chance(Discrete(4)), jnp.asarray([True, False, True, True])
    drawn = jax.vmap(lambda key: policy.drawn(legal, key))(jax.random.split(jax.random.key(0), 6000))
    shares = np.bincount(np.asarray(drawn), minlength=4) / 6000
    assert shares[1] == 0 and np.abs(shares[[0, 2, 3]] - 1 / 3).max() < 0.03
    box = Chance(Box((-2.0, -np.inf), (0.0, np.inf)))
    points = np.asarray(jax.vmap(lambda key: box.drawn(None, key))(jax.random.split(jax.random.key(0), 2000)))
    assert np.allclose(points.min(0), [-2, -1], atol=0.02) and np.allclose(points.max(0), [0, 1], atol=0.02)


def test_chance_on_cartpole_has_the_return_that_is_known():
    # About 22.3 steps (Gymnasium's environment, uniformly random actions).
    env = make("CartPole-v1")
    returns = evaluate(env, Chance(env.actions), 2000)
    assert abs(returns.mean() - 22.3) < 1.0
