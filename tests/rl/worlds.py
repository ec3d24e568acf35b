"""Small worlds with known answers, for the tests of the algorithms."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ansatz.rl.env import Box, Discrete, Env, Step, everywhere

NEVER = jnp.zeros((), bool)
ALWAYS = jnp.ones((), bool)


class Process(NamedTuple):
    """The tables of a finite process, as `planning` takes them."""

    going: np.ndarray
    R: np.ndarray
    legal: np.ndarray | None


class Finite(Env):
    """A finite process played step by step; state 0 is where a new episode begins when one has ended.

    An episode that `going` does not carry on ends; with the chance `cut` it is cut off after a step.
    """

    cumulated: jax.Array
    R: jax.Array
    allowed: jax.Array | None
    cut: float = eqx.field(static=True)

    def __init__(self, process: Process, cut: float = 0.0):
        self.cut = cut
        self.cumulated = jnp.asarray(np.cumsum(process.going, -1), jnp.float32)
        self.R = jnp.asarray(process.R, jnp.float32)
        self.allowed = None if process.legal is None else jnp.asarray(process.legal)

    @property
    def actions(self):
        return Discrete(self.R.shape[1])

    @property
    def observations(self):
        return Discrete(self.R.shape[0])

    def reset(self, key):
        return jax.random.randint(key, (), 0, self.R.shape[0])

    def step(self, state, action, key):
        luck = jax.random.uniform(key)
        row = self.cumulated[state, action]
        over = luck >= row[-1] * (1 + 1e-6)
        after = jnp.minimum((row <= luck).sum(), len(row) - 1).astype(jnp.int32)
        cut = jax.random.uniform(jax.random.fold_in(key, 1)) < self.cut
        return Step(after, after, self.R[state, action], over & (row[-1] < 0.999999), cut)

    def observe(self, state):
        return state

    def legal(self, state):
        return jnp.ones(self.R.shape[1], bool) if self.allowed is None else self.allowed[state]


def random_process(
    states: int, actions: int, seed: int, ending: float = 0.05, masked: bool = False, chance: bool = True
) -> Process:
    """Draw a process: three possible successors (one without `chance`), rewards in [0, 1]."""
    random = np.random.default_rng(seed)
    going = np.zeros((states, actions, states))
    for s in range(states):
        for a in range(actions):
            after = random.choice(states, 3 if chance else 1, replace=False)
            going[s, a, after] = random.dirichlet(np.ones(len(after))) * (1 - ending)
    legal = None
    if masked:
        legal = random.random((states, actions)) < 0.6
        legal[np.arange(states), random.integers(0, actions, states)] = True
    return Process(going, random.random((states, actions)), legal)


class CartPole(Env):
    """The pole on a cart (Barto, Sutton & Anderson 1983), cut off after `limit` steps."""

    limit: int = eqx.field(static=True, default=500)

    @property
    def actions(self):
        return Discrete(2)

    @property
    def observations(self):
        return everywhere(-np.inf, np.inf, 4)

    def reset(self, key):
        return jax.random.uniform(key, (4,), minval=-0.05, maxval=0.05), jnp.zeros((), jnp.int32)

    def observe(self, state):
        return state[0]

    def step(self, state, action, key):
        (x, v, angle, spin), count = state[0], state[1] + 1
        force = jnp.where(action == 1, 10.0, -10.0)
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        push = (force + 0.05 * spin**2 * sin) / 1.1
        turn = (9.8 * sin - cos * push) / (0.5 * (4.0 / 3.0 - 0.1 * cos**2 / 1.1))
        pull = push - 0.05 * turn * cos / 1.1
        moved = jnp.stack([x + 0.02 * v, v + 0.02 * pull, angle + 0.02 * spin, spin + 0.02 * turn])
        fell = (jnp.abs(moved[0]) > 2.4) | (jnp.abs(moved[2]) > 12 * 2 * np.pi / 360)
        return Step((moved, count), moved, jnp.ones(()), fell, count >= self.limit)


class Medley(Env):
    """Seven probes in one world; observed are which one it is, one-hot, and a number x.

    | probe | pays | v* |
    |---|---|---|
    | constant | 1 | 1 |
    | seen | x, -1 or 1 | x |
    | delayed | 1 in a second step, at x = 1 | γ, then 1 |
    | action | 1 for the action 1, else -1 | 1 |
    | read | x for the action 1, else -x | 1 |
    | legal | the number of the action, of which 2 is illegal | 1 |
    | cut | 1 - γ without end, truncated after three steps | 1 |
    """

    gamma: float = eqx.field(static=True, default=0.9)

    @property
    def actions(self):
        return Discrete(3)

    @property
    def observations(self):
        return everywhere(-1.0, 1.0, 8)

    def reset(self, key):
        first, second = jax.random.split(key)
        kind = jax.random.randint(first, (), 0, 7)
        x = jax.random.rademacher(second, ()).astype(jnp.float32)
        return kind, jnp.where((kind == 1) | (kind == 4), x, 0.0), jnp.zeros((), jnp.int32)

    def observe(self, state):
        kind, x, _ = state
        return jnp.append((jnp.arange(7) == kind).astype(jnp.float32), x)

    def legal(self, state):
        return (jnp.arange(3) < 2) | (state[0] != 5)

    def step(self, state, action, key):
        kind, x, count = state
        sign = jnp.where(action == 1, 1.0, -1.0)
        slow = jnp.asarray(1 - self.gamma, jnp.float32)
        paid = jnp.stack([jnp.ones(()), x, x, sign, sign * x, action.astype(jnp.float32), slow])[kind]
        after = (kind, jnp.where(kind == 2, 1.0, x), count + 1)
        over = jnp.where(kind == 2, x > 0.5, kind != 6)
        return Step(after, self.observe(after), paid, over, (kind == 6) & (count == 2))


def medley() -> tuple[jax.Array, jax.Array, np.ndarray]:
    """Return the observations of `Medley`, what is legal there, and their best values."""
    env = Medley()
    kinds = jnp.asarray([0, 1, 1, 2, 2, 3, 4, 4, 5, 6])
    state = (kinds, jnp.asarray([0.0, -1, 1, 0, 1, 0, -1, 1, 0, 0]), jnp.zeros(10, jnp.int32))
    values = np.array([1, -1, 1, env.gamma, 1, 1, 1, 1, 1, 1])
    return jax.vmap(env.observe)(state), jax.vmap(env.legal)(state), values


def wrong_values(model) -> float:
    """Return by how much V(s) of a trained model is wrong at worst."""
    obs, _, values = medley()
    return float(np.abs(np.asarray(jax.vmap(model.value)(obs)) - values).max())


def chances(model) -> np.ndarray:
    """Return π(a|s) of a trained model, after checking that nothing illegal has any."""
    obs, legal, _ = medley()
    p = np.exp(jax.vmap(lambda o, m: model.policy(o, m).log_p)(obs, legal))
    assert (p[~np.asarray(legal)] == 0).all()
    return p


def least_chance(model) -> float:
    """Return the probability of the best actions where it is the least."""
    p = chances(model)
    return float(min(p[5, 1], p[7, 1], p[8, 1], p[6, 0] + p[6, 2]))


class Aim(Env):
    """One step, which pays -(a - target)² for numbers a in a box."""

    low: float = eqx.field(static=True, default=-1.0)
    high: float = eqx.field(static=True, default=1.0)
    target: float = eqx.field(static=True, default=0.5)

    @property
    def actions(self):
        return everywhere(self.low, self.high, 2)

    @property
    def observations(self):
        return Box((-1.0,), (1.0,))

    def reset(self, key):
        return jnp.zeros(1)

    def observe(self, state):
        return state

    def step(self, state, action, key):
        return Step(state, state, -((action - self.target) ** 2).mean(), ALWAYS, NEVER)
