"""Planning with known tables against closed forms, itself, and the definition."""

import numpy as np
import pytest

from ansatz.errors import BadInput
from ansatz.rl.planning import (
    action_values,
    greedy,
    policy_iteration,
    policy_value,
    soft_policy,
    soft_value_iteration,
    soft_values,
    state_values,
    value_iteration,
)


def random_process(states: int = 12, actions: int = 4, seed: int = 0):
    """Return a process with masks, in which some ways end, and state 0 has no action."""
    rng = np.random.default_rng(seed)
    going = rng.dirichlet(np.ones(states) / 3, size=(states, actions)) * rng.uniform(
        0.8, 1.0, (states, actions, 1)
    )
    legal = rng.random((states, actions)) < 0.7
    legal[:, 0] = True
    legal[0] = False
    return going, rng.normal(size=(states, actions)), legal


@pytest.mark.parametrize("gamma", [0.0, 0.9, 1.0])
def test_no_policy_is_better(gamma: float):
    going, R, legal = random_process()
    q = value_iteration(going, R, gamma, legal)
    best = state_values(q)
    assert best[0] == 0 and np.isneginf(q[~legal]).all() and np.isfinite(q[legal]).all()
    policy = np.where(legal.any(1)[:, None], np.eye(4)[q.argmax(1)], 0.0)
    own = policy_value(going, R, policy, gamma, legal)
    np.testing.assert_allclose(own, best, atol=1e-10)
    np.testing.assert_allclose(action_values(going, R, own, gamma)[legal], q[legal], atol=1e-10)
    rng = np.random.default_rng(1)
    for _ in range(20):
        policy = rng.exponential(size=legal.shape) * legal
        policy[1:] /= policy[1:].sum(axis=1, keepdims=True)
        assert (policy_value(going, R, policy, gamma, legal) <= best + 1e-9).all()
    assert (greedy(q) == (q == best[:, None])).all()


@pytest.mark.parametrize("gamma", [0.0, 0.95, 1.0])
def test_policy_iteration_agrees_with_value_iteration(gamma: float):
    going, R, legal = random_process(30, 5, seed=7)
    q = value_iteration(going, R, gamma, legal)
    other, rounds = policy_iteration(going, R, gamma, legal)
    np.testing.assert_allclose(q, other, atol=1e-9)
    assert 2 <= rounds <= 20


def test_values_of_a_walk_are_distances():
    count = 20
    walk = np.zeros((count, 2, count))
    for state in range(count):
        walk[state, 0, max(state - 1, 0)] = 1
        walk[state, 1, state + 1 : state + 2] = 1
    q = value_iteration(walk, np.full((count, 2), -1.0), 1.0)
    assert state_values(q).tolist() == [-(count - state) for state in range(count)]
    assert (greedy(q) == [False, True]).all()
    half = value_iteration(walk, np.full((count, 2), -1.0), 0.5)
    np.testing.assert_allclose(state_values(half), [-2 * (1 - 0.5 ** (count - s)) for s in range(count)])


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
    np.testing.assert_allclose(policy_value(ruin, won, always, 1.0), k / n)
    np.testing.assert_allclose(policy_value(ruin, always, always, 1.0), k * (n - k))


def test_soft_values_solve_their_equation_and_tend_to_the_hard_ones():
    going, R, legal = random_process(seed=3)
    hard = state_values(value_iteration(going, R, 0.9, legal))
    for alpha in (1.0, 0.1, 1e-3):
        q = soft_value_iteration(going, R, 0.9, alpha, legal)
        best = q[1:].max(axis=1)
        total = np.exp((q[1:] - best[:, None]) / alpha).sum(axis=1)
        value = soft_values(q, alpha)
        np.testing.assert_allclose(value[1:], best + alpha * np.log(total), atol=1e-10)
        np.testing.assert_allclose(action_values(going, R, value, 0.9)[legal], q[legal], atol=1e-10)
        gap = value - hard
        assert value[0] == 0 and (gap > -1e-9).all() and gap.max() <= alpha * np.log(4) / 0.1
    # The soft value is the return of the Boltzmann policy with its entropy as a reward.
    q = soft_value_iteration(going, R, 0.9, 0.5, legal)
    policy = soft_policy(q, 0.5)
    np.testing.assert_allclose(policy, soft_policy(q, 0.5, legal))
    entropy = -np.sum(np.where(policy > 0, policy * np.log(np.where(policy > 0, policy, 1)), 0), axis=1)
    own = policy_value(going, R + 0.5 * entropy[:, None], policy, 0.9, legal)
    np.testing.assert_allclose(own, soft_values(q, 0.5), atol=1e-9)


def test_what_does_not_end_or_is_no_process_is_said():
    stay, one = np.ones((1, 1, 1)), np.ones((1, 1))
    for words, plan in (
        ("has to end, or to pay", lambda: value_iteration(stay, one, 1.0, most=1000)),
        ("need not end", lambda: policy_value(stay, one, one, 1.0)),
        ("state 0 by action 0 they add up to 2", lambda: value_iteration(2 * stay, one, 0.9)),
        ("state 0 by action 0 they add up to nan", lambda: value_iteration(np.nan * stay, one, 0.9)),
        ("not finite", lambda: value_iteration(stay, np.nan * one, 0.9)),
        (r"\[S, A, S\]", lambda: value_iteration(np.ones((2, 1, 1)), np.ones((2, 1)), 0.9)),
        (r"gamma lies in \[0, 1\]", lambda: value_iteration(stay, one, 1.5)),
        (r"A mask is \[S, A\]", lambda: policy_iteration(stay, one, 0.9, np.ones((2, 1), bool))),
        ("probabilities of legal actions", lambda: policy_value(stay, one, 2 * one, 0.9)),
        (r"A policy is \[S, A\]", lambda: policy_value(stay, one, np.ones((1, 2)), 0.9)),
        ("alpha is above 0", lambda: soft_value_iteration(stay, one, 0.9, 0.0)),
    ):
        with pytest.raises(BadInput, match=words):
            plan()
