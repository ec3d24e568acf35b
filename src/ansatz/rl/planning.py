"""Exact solutions of finite Markov decision processes: what learning is measured by (notes, §5).

A process is given by `going: [S, A, S]`, the probability P(s'|s, a) where the episode goes on and 0 where it
ends, the mean reward `R: [S, A]`, and `legal: [S, A]` (all actions where it is None).

    V^π       = R_π + γ P_π V^π                                          a linear system
    Q*(s, a)  = R(s, a) + γ Σ_s' P(s'|s, a) max_{b legal} Q*(s', b)        Bellman's equation
    Q_α(s, a) = R(s, a) + γ Σ_s' P(s'|s, a) α log Σ_{b legal} exp(Q_α(s', b) / α)

the last with α times the entropy of the policy added to every reward, as SAC has it.  Q is -inf where an
action is illegal, and a state without any legal action is an end, of value 0.  γ lies in [0, 1]; with 1
every way has to end, or to pay for going on.  All in float64.
"""

from collections.abc import Callable

import numpy as np

from ansatz.core import BadInput

TOLERANCE = 1e-12
MOST = 100_000


def action_values(going: np.ndarray, R: np.ndarray, value: np.ndarray, gamma: float) -> np.ndarray:
    """Return ``Q(s, a) = R(s, a) + γ Σ_s' P(s'|s, a) V(s')``, legal or not: a look ahead by one step."""
    return R + gamma * going @ value


def state_values(q: np.ndarray) -> np.ndarray:
    """Return ``V(s) = max_a Q(s, a)``, 0 where no action is legal.

    >>> state_values(np.asarray([[1.0, -np.inf], [-np.inf, -np.inf]])).tolist()
    [1.0, 0.0]
    """
    best = q.max(-1)
    return np.where(np.isneginf(best), 0.0, best)


def greedy(q: np.ndarray) -> np.ndarray:
    """Return which actions are best, `[S, A]`, equal ones but for rounding alike; none where none is legal.

    >>> greedy(np.asarray([[1.0, 1.0, -np.inf], [0.0, 2.0, 1.0]])).tolist()
    [[True, True, False], [False, True, False]]
    """
    return np.isfinite(q) & np.isclose(q, state_values(q)[..., None], rtol=1e-9, atol=1e-9)


def policy_value(
    going: np.ndarray, R: np.ndarray, policy: np.ndarray, gamma: float, legal: np.ndarray | None = None
) -> np.ndarray:
    """Return ``V^π: [S]`` of a policy `[S, A]` of probabilities; a row of zeros ends the episode.

    >>> policy_value(np.full((1, 1, 1), 0.5), np.ones((1, 1)), np.ones((1, 1)), 1.0).tolist()
    [2.0]

    Raises `BadInput` where there is none: γ = 1 and an episode that need not end.
    """
    going, R, allowed = _process(going, R, legal, gamma)
    policy = np.asarray(policy, float)
    if policy.shape != R.shape:
        raise BadInput(f"A policy is [S, A] like the rewards: it is {policy.shape}, they are {R.shape}.")
    if not ((policy >= 0).all() and (policy[~allowed] == 0).all() and policy.sum(1).max() <= 1 + 1e-6):
        raise BadInput(
            "A policy holds probabilities of legal actions: each row of this one must add up to 1."
        )
    matrix = np.eye(len(R)) - gamma * np.einsum("sa,sat->st", policy, going)
    try:
        value = np.linalg.solve(matrix, (policy * R).sum(-1))
    except np.linalg.LinAlgError:
        value = np.full(len(R), np.nan)
    if not np.isfinite(value).all() or np.linalg.cond(matrix, 1) > 1e13:
        raise BadInput(
            f"At gamma = {gamma} a policy whose episodes need not end has no value: take it below 1."
        )
    return value


def value_iteration(
    going: np.ndarray,
    R: np.ndarray,
    gamma: float,
    legal: np.ndarray | None = None,
    most: int = MOST,
) -> np.ndarray:
    """Return ``Q*: [S, A]``, by Bellman's equation until it changes by less than 1e-12 of its size.

    >>> value_iteration(np.ones((1, 2, 1)), np.asarray([[0.0, 1.0]]), 0.5).round(6).tolist()
    [[1.0, 2.0]]

    Raises `BadInput` where it does not settle in `most` rounds: γ = 1 and an episode that need not end.
    """
    return _settled(going, R, gamma, legal, state_values, most)


def soft_value_iteration(
    going: np.ndarray, R: np.ndarray, gamma: float, alpha: float, legal: np.ndarray | None = None
) -> np.ndarray:
    """Return ``Q_α: [S, A]`` of the return with α > 0 times the entropy; α → 0 gives Q*.

    >>> soft_value_iteration(np.zeros((1, 2, 1)), np.asarray([[0.0, 1.0]]), 0.5, 1.0).tolist()
    [[0.0, 1.0]]
    """
    return _settled(going, R, gamma, legal, lambda q: soft_values(q, alpha), MOST)


def soft_values(q: np.ndarray, alpha: float) -> np.ndarray:
    """Return ``α log Σ_a exp(Q(s, a) / α)``, 0 where no action is legal.

    >>> soft_values(np.log([[3.0, 4.0, 5.0]]), 1.0).round(6) == np.log(12.0).round(6)
    array([ True])
    """
    if not alpha > 0:
        raise BadInput(f"The temperature alpha is above 0, not {alpha!r}: at 0 use value_iteration.")
    top = state_values(q)
    inside = np.exp((np.where(np.isfinite(q), q, -np.inf) - top[..., None]) / alpha).sum(-1)
    return np.where(inside > 0, top + alpha * np.log(np.where(inside > 0, inside, 1.0)), 0.0)


def soft_policy(q: np.ndarray, alpha: float, legal: np.ndarray | None = None) -> np.ndarray:
    """Return ``π(a|s) ∝ exp(Q(s, a) / α)`` over the legal actions; zeros where none is.

    >>> soft_policy(np.asarray([[0.0, np.log(3.0)]]), 1.0).round(6).tolist()
    [[0.25, 0.75]]
    """
    q = q if legal is None else np.where(legal, q, -np.inf)
    weight = np.exp((q - state_values(q)[..., None]) / alpha)
    return weight / np.maximum(weight.sum(-1, keepdims=True), TOLERANCE)


def policy_iteration(
    going: np.ndarray, R: np.ndarray, gamma: float, legal: np.ndarray | None = None
) -> tuple[np.ndarray, int]:
    """Return Q* and the number of rounds (Howard 1960).

    The notes' interleaving, each half of it exact: the control problem is the value v of the policy, the
    decision problem the policy that is greedy for v.

    >>> policy_iteration(np.ones((1, 2, 1)), np.asarray([[0.0, 1.0]]), 0.5)[1]
    2
    """
    going, R, allowed = _process(going, R, legal, gamma)
    states, rounds, some = np.arange(len(R)), 0, np.asarray(allowed.any(-1))
    chosen = allowed.argmax(-1)
    while True:
        policy = np.eye(R.shape[1])[chosen] * some[:, None]
        q = action_values(going, R, policy_value(going, R, policy, gamma, allowed), gamma)
        q, rounds = np.where(allowed, q, -np.inf), rounds + 1
        # A change must pay: between actions that are equal but for rounding it would go on forever.
        size = 1 + np.abs(q[allowed]).max(initial=0.0)
        better = some & (q.max(-1) > np.where(some, q[states, chosen], 0.0) + TOLERANCE * size)
        if not better.any():
            return q, rounds
        chosen = np.where(better, q.argmax(-1), chosen)


def _settled(
    going: np.ndarray,
    R: np.ndarray,
    gamma: float,
    legal: np.ndarray | None,
    backup: Callable[[np.ndarray], np.ndarray],
    most: int,
) -> np.ndarray:
    going, R, allowed = _process(going, R, legal, gamma)
    q, change = np.where(allowed, 0.0, -np.inf), np.inf
    for _ in range(most):
        new = np.where(allowed, action_values(going, R, backup(q), gamma), -np.inf)
        change = np.abs(new[allowed] - q[allowed]).max(initial=0.0)
        if change <= TOLERANCE * (1 + np.abs(new[allowed]).max(initial=0.0)):
            return new
        q = new
    raise BadInput(
        f"The values still change by {change:.3g} after {most} rounds at gamma = {gamma}: every legal way "
        "has to end, or to pay for going on, or gamma must be below 1."
    )


def _process(
    going: np.ndarray, R: np.ndarray, legal: np.ndarray | None, gamma: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the tables in double precision, 0 where illegal, and which actions are legal, all checked."""
    going, R = np.asarray(going, float), np.asarray(R, float)
    if not 0 <= gamma <= 1:
        raise BadInput(f"A discount factor gamma lies in [0, 1], and this one is {gamma!r}.")
    if going.ndim != 3 or going.shape != (*R.shape, len(R)):
        raise BadInput(f"Transitions are [S, A, S] and rewards [S, A]: they are {going.shape} and {R.shape}.")
    allowed = np.ones(R.shape, bool) if legal is None else np.asarray(legal, bool)
    if allowed.shape != R.shape:
        raise BadInput(f"A mask is [S, A] like the rewards: it is {allowed.shape}, they are {R.shape}.")
    total = np.where(allowed, going.sum(axis=2), 0.0)
    wrong = allowed & ~((going >= 0).all(axis=2) & (total <= 1 + 1e-9))
    if wrong.any():
        where = tuple(map(int, np.argwhere(wrong)[0]))
        raise BadInput(
            f"Transitions are probabilities: from state {where[0]} by action {where[1]} they add up to "
            f"{total[where]:g}, the least being {going[where].min():g}."
        )
    if not np.isfinite(R[allowed]).all():
        raise BadInput("A reward of a legal action is not finite.")
    return np.where(allowed[..., None], going, 0.0), np.where(allowed, R, 0.0), allowed
