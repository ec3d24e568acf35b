"""What a return is to be compared with: the best one possible, where it is known, and that of chance."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ansatz.core import Map
from ansatz.rl.env import Box, Discrete, Env
from ansatz.rl.mdp import TabularEnv
from ansatz.rl.wrappers import TimeLimit, unwrapped

SOLVED = {
    "CartPole-v1": 475.0,
    "Acrobot-v1": -100.0,
    "MountainCar-v0": -110.0,
    "MountainCarContinuous-v0": 90.0,
    "FrozenLake-v1": 0.70,
    "FrozenLake8x8-v1": 0.85,
    "Taxi-v4": 8.0,
}
"""The returns from which on Gymnasium calls an environment solved."""
LONGEST = 10_000
"""The horizon of environments without a time limit."""


def counts_as_solved(env: Env, name: str) -> float | None:
    """Return the return from which on the environment of a name counts as solved, None where nobody says.

    >>> from ansatz.rl.envs.names import make
    >>> [counts_as_solved(make(name), name) for name in ("CartPole-v1", "Puzzle8")]
    [475.0, None]
    """
    # Of a puzzle `solved` is the position at its end.
    return SOLVED.get(name, getattr(env, "solved", None) if env.host else None)


def best_return(env: Env) -> float | None:
    """Return the largest expected return from the start, or None where no table of the environment exists.

        V_0 = 0,    V_{k+1}(s) = max_{a legal} R(s, a) + Σ_s' P(s'|s, a) V_k(s'),     k steps before the limit

    >>> from ansatz.rl.envs.names import make
    >>> round(best_return(make("FrozenLake-v1")), 4)
    0.7442
    """
    inner = unwrapped(env)
    limits = env.steps if isinstance(env, TimeLimit) else LONGEST
    if not isinstance(inner, TabularEnv) or not (env is inner or getattr(env, "env", None) is inner):
        return None
    found = inner.transitions()
    going, legal = found.going, inner.legal_table()
    value = np.zeros(len(going))
    for _ in range(limits):
        new = np.where(legal, found.R + going @ value, -np.inf).max(-1)
        if np.abs(new - value).max() < 1e-12:
            break
        value = new
    return float(inner.starts() @ value)


class Chance(Map):
    """The policy that takes every legal action as often, and every point of a box."""

    actions: Discrete | Box

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Array:
        """Return an action drawn without a mask."""
        return self.drawn(None, jax.random.key(0) if key is None else key)

    def decide(self, env: Env, state: Any, obs: Any, legal: Any, key: PRNGKeyArray) -> Array:
        """Return a legal action drawn by chance."""
        return self.drawn(legal, key)

    def drawn(self, legal: Any, key: PRNGKeyArray) -> Array:
        """Return an action drawn from the legal ones; infinite bounds count as ±1."""
        if isinstance(self.actions, Discrete):
            open_ = jnp.zeros(self.actions.n) if legal is None else jnp.where(legal, 0.0, -jnp.inf)
            return jax.random.categorical(key, open_).astype(jnp.int32)
        bounds = (np.asarray(self.actions.low), np.asarray(self.actions.high))
        low, high = (jnp.asarray(np.nan_to_num(one, posinf=1.0, neginf=-1.0), jnp.float32) for one in bounds)
        return jax.random.uniform(key, low.shape, minval=low, maxval=high)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Chance, Array]":
        """Return a small map and an input for it."""
        return Chance(Discrete(3)), jnp.ones(2)
