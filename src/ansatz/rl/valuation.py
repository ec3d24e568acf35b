"""Exact values of finite Markov decision processes: value iteration, soft or hard, and policy evaluation.

A process has transitions ``P(s' | s, a)`` `[s, a, s]`, rewards ``r(s, a)`` `[s, a]` and, where not every
action is allowed, a mask `[s, a]`.  What is missing from ``Σ_s' P(s' | s, a) = 1`` ends the episode, with
value 0.

    V*(s) = max_a Q*(s, a)                  Q(s, a) = r(s, a) + γ Σ_s' P(s' | s, a) V(s')
    V_α(s) = α log Σ_a exp(Q_α(s, a) / α)   with the entropy, at temperature α, as a reward
    V_π = (1 - γ P_π)^-1 r_π

A state without any allowed action has value 0.  All in double precision.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ansatz.errors import BadInput


class Values(NamedTuple):
    """`state: [s]` V, `action: [s, a]` Q (-inf where not allowed), and the sweeps that it took."""

    state: np.ndarray
    action: np.ndarray
    sweeps: int

    def greedy(self) -> np.ndarray:
        """Return which actions are best, `[s, a]`; none where none is allowed."""
        return np.isfinite(self.action) & np.isclose(self.action, self.state[:, None], rtol=1e-9, atol=1e-9)


def _process(
    transitions: np.ndarray, rewards: np.ndarray, legal: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arrays in double precision, checked."""
    transitions, rewards = np.asarray(transitions, np.float64), np.asarray(rewards, np.float64)
    if transitions.ndim != 3 or transitions.shape != (*rewards.shape, rewards.shape[0]):
        raise BadInput(
            f"Transitions are [s, a, s] and rewards [s, a]: they are {transitions.shape} and {rewards.shape}."
        )
    mask = np.ones(rewards.shape, bool) if legal is None else np.asarray(legal, bool)
    if mask.shape != rewards.shape:
        raise BadInput(f"A mask is [s, a] like the rewards: it is {mask.shape}, they are {rewards.shape}.")
    total = np.where(mask, transitions.sum(axis=2), 0)
    wrong = mask & ~((transitions >= 0).all(axis=2) & (total <= 1 + 1e-9))
    if wrong.any():
        where = tuple(map(int, np.argwhere(wrong)[0]))
        raise BadInput(
            f"Transitions are probabilities: from state {where[0]} by action {where[1]} they add up to "
            f"{total[where]:g}, the least being {transitions[where].min():g}."
        )
    if not np.isfinite(rewards[mask]).all():
        raise BadInput("A reward of an allowed action is not finite.")
    return np.where(mask[..., None], transitions, 0), np.where(mask, rewards, 0), mask


@jax.jit
def _iterated(
    transitions: Array,
    rewards: Array,
    legal: Array,
    discount: Array,
    temperature: Array,
    tolerance: Array,
    most: Array,
) -> tuple[Array, Array, Array, Array]:
    def q_of(value: Array) -> Array:
        ahead = jnp.einsum("sat,t->sa", transitions, value, precision="highest")
        return jnp.where(legal, rewards + discount * ahead, -jnp.inf)

    def v_of(q: Array) -> Array:
        some = jnp.any(legal, axis=1)
        best = jnp.where(some, jnp.max(q, axis=1), 0.0)
        hot = jnp.where(temperature > 0, temperature, 1.0)
        weight = jnp.where(legal, jnp.exp((jnp.where(legal, q, 0.0) - best[:, None]) / hot), 0.0)
        soft = best + hot * jnp.log(jnp.where(some, jnp.sum(weight, axis=1), 1.0))
        return jnp.where(temperature > 0, soft, best)

    def going(carry: tuple[Array, Array, Array]) -> Array:
        _, change, sweeps = carry
        return (change > tolerance) & (sweeps < most) & jnp.isfinite(change)

    def sweep(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        value, _, sweeps = carry
        after = v_of(q_of(value))
        return after, jnp.max(jnp.abs(after - value)), sweeps + 1

    start = jnp.zeros(rewards.shape[0]), jnp.asarray(jnp.inf).astype(rewards.dtype), jnp.zeros((), jnp.int32)
    after, change, sweeps = sweep(start)
    value, change, sweeps = jax.lax.while_loop(going, sweep, (after, change, sweeps))
    return value, q_of(value), change, sweeps


def value_iteration(
    transitions: np.ndarray,
    rewards: np.ndarray,
    legal: np.ndarray | None = None,
    *,
    discount: float,
    temperature: float = 0.0,
    tolerance: float = 1e-12,
    sweeps: int = 100_000,
) -> Values:
    """Return V and Q of the best policy, or at a `temperature` α > 0 of the best with entropy.

    `discount` is in [0, 1]; with 1 every policy that keeps going has to pay for it.  The sweeps end when V
    changes by no more than `tolerance` times the largest reward, or 1; raises if it does after `sweeps`.

    >>> walk = np.zeros((3, 2, 3))
    >>> walk[[1, 2], 0, [0, 1]] = walk[[0, 1], 1, [1, 2]] = walk[0, 0, 0] = 1
    >>> value_iteration(walk, np.full((3, 2), -1.0), discount=1.0).state.tolist()
    [-3.0, -2.0, -1.0]
    """
    if not 0 <= discount <= 1 or temperature < 0:
        raise BadInput(
            f"A discount is in [0, 1] and a temperature >= 0, and they are {discount} and {temperature}."
        )
    arrays = _process(transitions, rewards, legal)
    limit = tolerance * max(1.0, float(np.abs(arrays[1]).max()))
    with jax.enable_x64(True):
        scalars = (jnp.asarray(float(one)) for one in (discount, temperature, limit))
        found = _iterated(*map(jnp.asarray, arrays), *scalars, jnp.asarray(sweeps, jnp.int32))
    value, q, change, count = map(np.asarray, found)
    if not np.isfinite(value).all() or change > limit:
        raise BadInput(
            f"The values still change by {float(change):.3g} after {int(count)} sweeps: with a discount of "
            f"{discount} every allowed way has to end, or to pay for going on."
        )
    return Values(value, q, int(count))


def policy_values(
    transitions: np.ndarray,
    rewards: np.ndarray,
    policy: np.ndarray,
    legal: np.ndarray | None = None,
    *,
    discount: float,
) -> Values:
    """Return V and Q of a policy `[s, a]` of probabilities, by one linear solve.

    A row of zeros ends the episode.  Raises where the policy, with a discount of 1, need not end.

    >>> policy_values(np.ones((1, 1, 1)), np.ones((1, 1)), np.ones((1, 1)), discount=0.5).state.tolist()
    [2.0]
    """
    transitions, rewards, mask = _process(transitions, rewards, legal)
    policy = np.asarray(policy, np.float64)
    if policy.shape != rewards.shape:
        raise BadInput(
            f"A policy is [s, a] like the rewards: it is {policy.shape}, they are {rewards.shape}."
        )
    if (policy < 0).any() or (policy[~mask] > 0).any() or policy.sum(axis=1).max() > 1 + 1e-6:
        raise BadInput(
            "A policy holds probabilities of allowed actions: each row of this one must add up to 1."
        )
    following = np.einsum("sa,sat->st", policy, transitions)
    matrix = np.eye(len(following)) - discount * following
    try:
        value = np.linalg.solve(matrix, (policy * rewards).sum(axis=1))
    except np.linalg.LinAlgError:
        value = np.full(len(following), np.nan)
    if not np.isfinite(value).all() or np.linalg.cond(matrix, 1) > 1e13:
        raise BadInput(
            f"With a discount of {discount} this policy need not end, and its values do not exist."
        )
    ahead = np.einsum("sat,t->sa", transitions, value)
    return Values(value, np.where(mask, rewards + discount * ahead, -np.inf), 1)
