"""Exact solutions of finite Markov decision processes: what learning is measured by (notes, §5).

A process is given by `going: [S, A, S]`, the probability P(s'|s, a) where the episode goes on and 0 where it
ends, the mean reward `R: [S, A]`, and `legal: [S, A]` (all actions where it is None).

    V^π       = R_π + γ P_π V^π                                          a linear system
    Q*(s, a)  = R(s, a) + γ Σ_s' P(s'|s, a) max_{b legal} Q*(s', b)        Bellman's equation
    Q_α(s, a) = R(s, a) + γ Σ_s' P(s'|s, a) α log Σ_{b legal} exp(Q_α(s', b) / α)

the last with α times the entropy of the policy added to every reward, as SAC has it.  All in float64.
"""

from collections.abc import Callable

import numpy as np

from ansatz.core import BadInput

TOLERANCE = 1e-12
MOST = 1_000_000


def action_values(going: np.ndarray, R: np.ndarray, value: np.ndarray, gamma: float) -> np.ndarray:
    """Return ``Q(s, a) = R(s, a) + γ Σ_s' P(s'|s, a) V(s')``: a look ahead by one step."""
    return R + gamma * going @ value


def policy_value(going: np.ndarray, R: np.ndarray, policy: np.ndarray, gamma: float) -> np.ndarray:
    """Return ``V^π: [S]`` of a policy `[S, A]`.

    >>> policy_value(np.full((1, 1, 1), 0.5), np.ones((1, 1)), np.ones((1, 1)), 1.0).tolist()
    [2.0]

    Raises `BadInput` where there is none: γ = 1 and an episode that never ends.
    """
    step = np.einsum("sa,sat->st", policy, going)
    try:
        return np.linalg.solve(np.eye(len(R)) - gamma * step, (policy * R).sum(-1))
    except np.linalg.LinAlgError:
        raise BadInput(
            "A policy whose episodes never end has no value at gamma = 1: take it below 1."
        ) from None


def value_iteration(
    going: np.ndarray, R: np.ndarray, gamma: float, legal: np.ndarray | None = None
) -> np.ndarray:
    """Return ``Q*: [S, A]``, by Bellman's equation until it changes by less than 1e-12 of its size.

    >>> value_iteration(np.ones((1, 2, 1)), np.asarray([[0.0, 1.0]]), 0.5).round(6).tolist()
    [[1.0, 2.0]]

    Raises `BadInput` where it does not settle: γ = 1 and an episode that need not end.
    """
    allowed = _allowed(R, legal)
    return _settled(going, R, gamma, lambda q: np.where(allowed, q, -np.inf).max(-1))


def soft_value_iteration(
    going: np.ndarray, R: np.ndarray, gamma: float, alpha: float, legal: np.ndarray | None = None
) -> np.ndarray:
    """Return ``Q_α: [S, A]`` of the return with α > 0 times the entropy; α → 0 gives Q*.

    >>> soft_value_iteration(np.zeros((1, 2, 1)), np.asarray([[0.0, 1.0]]), 0.5, 1.0).tolist()
    [[0.0, 1.0]]
    """
    if not alpha > 0:
        raise BadInput(f"The temperature alpha is above 0, not {alpha!r}: at 0 use value_iteration.")
    allowed = _allowed(R, legal)

    def soft(q: np.ndarray) -> np.ndarray:
        top = np.where(allowed, q, -np.inf).max(-1, keepdims=True)
        inside = np.where(allowed, np.exp(np.minimum(q - top, 0) / alpha), 0.0)
        return top[:, 0] + alpha * np.log(inside.sum(-1))

    return _settled(going, R, gamma, soft)


def soft_policy(q: np.ndarray, alpha: float, legal: np.ndarray | None = None) -> np.ndarray:
    """Return ``π(a|s) ∝ exp(Q(s, a) / α)`` over the legal actions.

    >>> soft_policy(np.asarray([[0.0, np.log(3.0)]]), 1.0).round(6).tolist()
    [[0.25, 0.75]]
    """
    z = np.where(_allowed(q, legal), q / alpha, -np.inf)
    weight = np.exp(z - z.max(-1, keepdims=True))
    return weight / weight.sum(-1, keepdims=True)


def policy_iteration(
    going: np.ndarray, R: np.ndarray, gamma: float, legal: np.ndarray | None = None
) -> tuple[np.ndarray, int]:
    """Return Q* and the number of rounds (Howard 1960).

    The notes' interleaving, each half of it exact: the control problem is the value v of the policy, the
    decision problem the policy that is greedy for v.

    >>> policy_iteration(np.ones((1, 2, 1)), np.asarray([[0.0, 1.0]]), 0.5)[1]
    2
    """
    allowed, states, rounds = _allowed(R, legal), np.arange(len(R)), 0
    greedy = allowed.argmax(-1)
    while True:
        policy = np.eye(R.shape[1])[greedy]
        q = action_values(going, R, policy_value(going, R, policy, gamma), gamma)
        rounds += 1
        open_ = np.where(allowed, q, -np.inf)
        # A change must pay: between actions that are equal but for rounding it would go on forever.
        better = open_.max(-1) > q[states, greedy] + TOLERANCE * (1 + np.abs(q).max())
        if not better.any():
            return q, rounds
        greedy = np.where(better, open_.argmax(-1), greedy)


def _settled(
    going: np.ndarray, R: np.ndarray, gamma: float, backup: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    q = np.zeros_like(R, dtype=float)
    for _ in range(MOST):
        new = action_values(going, R, backup(q), gamma)
        if np.abs(new - q).max() <= TOLERANCE * (1 + np.abs(new).max()):
            return new
        q = new
    raise BadInput(
        f"The values do not settle in {MOST} rounds: take gamma below 1, or let every episode end."
    )


def _allowed(R: np.ndarray, legal: np.ndarray | None) -> np.ndarray:
    if legal is None:
        return np.ones(R.shape, bool)
    if legal.shape != R.shape or not legal.any(-1).all():
        raise BadInput(
            f"legal has a row for each state, at least one action true in it, of the shape {R.shape}."
        )
    return legal
