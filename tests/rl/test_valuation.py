"""Value iteration and policy evaluation against closed forms, each other, and the definition."""

import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.rl.valuation import policy_values, value_iteration


def random_process(states: int = 12, actions: int = 4, seed: int = 0):
    """Return a process with masks, in which some ways end, and state 0 has no action."""
    rng = np.random.default_rng(seed)
    transitions = rng.dirichlet(np.ones(states) / 3, size=(states, actions)) * rng.uniform(
        0.8, 1.0, (states, actions, 1)
    )
    legal = rng.random((states, actions)) < 0.7
    legal[:, 0] = True
    legal[0] = False
    return transitions, rng.normal(size=(states, actions)), legal


def greedy_policy(found) -> np.ndarray:
    best = np.zeros_like(found.action)
    rows = np.isfinite(found.action).any(axis=1)
    best[rows, found.action[rows].argmax(axis=1)] = 1.0
    return best


@pytest.mark.parametrize("discount", [0.0, 0.9, 1.0])
def test_no_policy_is_better(discount: float):
    transitions, rewards, legal = random_process()
    found = value_iteration(transitions, rewards, legal, discount=discount)
    assert found.state[0] == 0 and np.isneginf(found.action[~legal]).all()
    own = policy_values(transitions, rewards, greedy_policy(found), legal, discount=discount)
    np.testing.assert_allclose(own.state, found.state, atol=1e-10)
    np.testing.assert_allclose(own.action[legal], found.action[legal], atol=1e-10)
    rng = np.random.default_rng(1)
    for _ in range(20):
        policy = rng.exponential(size=legal.shape) * legal
        policy[1:] /= policy[1:].sum(axis=1, keepdims=True)
        other = policy_values(transitions, rewards, policy, legal, discount=discount)
        assert (other.state <= found.state + 1e-9).all()
    assert (found.greedy() == (found.action == found.state[:, None])).all() or discount > 0


def test_values_of_a_walk_are_distances():
    count = 20
    walk = np.zeros((count, 2, count))
    for state in range(count):
        walk[state, 0, max(state - 1, 0)] = 1
        walk[state, 1, state + 1 : state + 2] = 1
    found = value_iteration(walk, np.full((count, 2), -1.0), discount=1.0)
    assert found.state.tolist() == [-(count - state) for state in range(count)]
    assert (found.greedy() == [False, True]).all()
    half = value_iteration(walk, np.full((count, 2), -1.0), discount=0.5)
    np.testing.assert_allclose(half.state, [-2 * (1 - 0.5 ** (count - s)) for s in range(count)])


def test_the_gamblers_ruin_is_a_straight_line():
    """A fair walk between 0 and n reaches n with probability k / n, in k (n - k) steps."""
    n = 10
    ruin = np.zeros((n - 1, 1, n - 1))
    for k in range(1, n):
        for after in (k - 1, k + 1):
            if 0 < after < n:
                ruin[k - 1, 0, after - 1] = 0.5
    won = np.zeros((n - 1, 1))
    won[-1] = 0.5
    k = np.arange(1, n)
    always = np.ones((n - 1, 1))
    np.testing.assert_allclose(policy_values(ruin, won, always, discount=1.0).state, k / n)
    np.testing.assert_allclose(policy_values(ruin, always, always, discount=1.0).state, k * (n - k))


def test_soft_values_solve_their_equation_and_tend_to_the_hard_ones():
    transitions, rewards, legal = random_process(seed=3)
    hard = value_iteration(transitions, rewards, legal, discount=0.9)
    for temperature in (1.0, 0.1, 1e-3):
        soft = value_iteration(transitions, rewards, legal, discount=0.9, temperature=temperature)
        best = soft.action[1:].max(axis=1)
        total = np.exp((soft.action[1:] - best[:, None]) / temperature).sum(axis=1)
        np.testing.assert_allclose(soft.state[1:], best + temperature * np.log(total), atol=1e-10)
        gap = soft.state - hard.state
        assert (gap > -1e-9).all() and gap.max() <= temperature * np.log(4) / 0.1
    # The soft value is the return of the Boltzmann policy with its entropy as a reward.
    soft = value_iteration(transitions, rewards, legal, discount=0.9, temperature=0.5)
    policy = np.exp((soft.action - soft.state[:, None]) / 0.5)
    entropy = -np.sum(np.where(policy > 0, policy * np.log(np.where(policy > 0, policy, 1)), 0), axis=1)
    own = policy_values(transitions, rewards + 0.5 * entropy[:, None], policy, legal, discount=0.9)
    np.testing.assert_allclose(own.state, soft.state, atol=1e-9)


def test_what_does_not_end_or_is_no_process_is_said():
    stay = np.ones((1, 1, 1))
    with pytest.raises(BadInput, match="has to end"):
        value_iteration(stay, np.ones((1, 1)), discount=1.0, sweeps=1000)
    with pytest.raises(BadInput, match="need not end"):
        policy_values(stay, np.ones((1, 1)), np.ones((1, 1)), discount=1.0)
    with pytest.raises(BadInput, match="state 0 by action 0 they add up to 2"):
        value_iteration(2 * stay, np.ones((1, 1)), discount=0.9)
    with pytest.raises(BadInput, match="state 0 by action 0 they add up to nan"):
        value_iteration(np.nan * stay, np.ones((1, 1)), discount=0.9)
    with pytest.raises(BadInput, match="not finite"):
        value_iteration(stay, np.full((1, 1), np.nan), discount=0.9)
    with pytest.raises(BadInput, match=r"\[s, a, s\]"):
        value_iteration(np.ones((2, 1, 1)), np.ones((2, 1)), discount=0.9)
    with pytest.raises(BadInput, match="discount is in"):
        value_iteration(stay, np.ones((1, 1)), discount=1.5)
    with pytest.raises(BadInput, match="allowed actions"):
        policy_values(stay, np.ones((1, 1)), np.full((1, 1), 2.0), discount=0.9)
