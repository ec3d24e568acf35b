"""Environments made of others: a time limit, a gust of wind, a history in the place of an observation."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ansatz.errors import BadInput
from ansatz.rl.env import Box, Discrete, Env, Step


class Wrapper(Env):
    """An environment that does as another one, but for what a subclass changes."""

    env: Env

    @property
    def players(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As many as in the environment itself."""
        return self.env.players

    @property
    def actions(self) -> Discrete | Box:
        """Those of the environment itself."""
        return self.env.actions

    @property
    def observations(self) -> Discrete | Box:
        """Those of the environment itself."""
        return self.env.observations

    def reset(self, key: PRNGKeyArray) -> PyTree:
        """Return a state of the environment itself."""
        return self.env.reset(key)

    def step(self, state: PyTree, action: Array, key: PRNGKeyArray) -> Step:
        """Do as the environment itself."""
        return self.env.step(state, action, key)

    def inner(self, state: PyTree) -> PyTree:
        """Return the state of the environment itself."""
        return state

    def observe(self, state: PyTree) -> PyTree:
        """Return what the environment itself shows."""
        return self.env.observe(self.inner(state))

    def legal(self, state: PyTree) -> Bool[Array, " actions"]:
        """Return what the environment itself allows."""
        return self.env.legal(self.inner(state))

    def player(self, state: PyTree) -> Int[Array, ""]:
        """Return whose turn it is in the environment itself."""
        return self.env.player(self.inner(state))

    def inverse_moves(self, state: PyTree, key: PRNGKeyArray) -> PyTree:
        """Return a move backwards of the environment itself."""
        return self.env.inverse_moves(state, key)

    def render(self, state: PyTree) -> str:
        """Return the drawing of the environment itself."""
        return self.env.render(self.inner(state))


def unwrapped(env: Env) -> Env:
    """Return the environment within all wrappers.

    >>> from ansatz.rl.envs.cartpole import CartPole
    >>> unwrapped(TimeLimit(Gust(CartPole(), 0.1), 500))
    CartPole(...)
    """
    return unwrapped(env.env) if isinstance(env, Wrapper) else env


class Timed(NamedTuple):
    """A state, and the number of steps that it took."""

    state: PyTree
    count: Int[Array, ""]


class TimeLimit(Wrapper):
    """Cut an episode off after so many steps: `truncated`, from which returns are bootstrapped, not an end.

    The last step that the limit allows may end the episode by itself; it is then both, and the value is 0.

    >>> from ansatz.rl.envs.pendulum import Pendulum
    >>> env = TimeLimit(Pendulum(), 1)
    >>> step = env.step(env.reset(jax.random.key(0)), jnp.zeros(1), jax.random.key(1))
    >>> bool(step.truncated), bool(step.terminated)
    (True, False)

    Raises:
        BadInput: `steps` is less than 1.
    """

    steps: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        if self.steps < 1:
            raise BadInput(f"A time limit is at least one step, and not {self.steps}.")

    def reset(self, key: PRNGKeyArray) -> Timed:
        """Return a state and no steps."""
        return Timed(self.env.reset(key), jnp.zeros((), jnp.int32))

    def step(self, state: Timed, action: Array, key: PRNGKeyArray) -> Step:
        """Do as the environment itself, and count."""
        step, count = self.env.step(state.state, action, key), state.count + 1
        return step._replace(state=Timed(step.state, count), truncated=step.truncated | (count >= self.steps))

    def inner(self, state: Timed) -> PyTree:
        """Return the state without the count."""
        return state.state

    def inverse_moves(self, state: Timed, key: PRNGKeyArray) -> Timed:
        """Return a move backwards of the environment itself, with the count as it is."""
        return state._replace(state=self.env.inverse_moves(state.state, key))


class Gust(Wrapper):
    """Let the wind do a random legal action, with this chance, in the place of the chosen one.

    A drone is steered to the left, but a gust of wind pushes it to the right (notes, §5).  Each legal action
    is as likely, the chosen one among them, and numbers are uniform in their bounds; who chose is not told.

    >>> from ansatz.rl.envs.cliff_walking import CliffWalking
    >>> env = Gust(CliffWalking(), 1.0)
    >>> keys = jax.random.split(jax.random.key(0), 100)
    >>> after = jax.vmap(lambda key: env.step(jnp.asarray(13), jnp.asarray(0), key).state)(keys)
    >>> np.unique(after).tolist()
    [1, 12, 14, 25]

    Raises:
        BadInput: `chance` is no probability, or actions are numbers without bounds.
    """

    chance: float = eqx.field(static=True)

    def __check_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise BadInput(f"The chance of a gust is a probability, from 0 to 1, and not {self.chance}.")
        space = self.env.actions
        if isinstance(space, Box) and not np.isfinite([space.low, space.high]).all():
            raise BadInput(
                f"A gust draws an action between bounds, and those of {type(unwrapped(self.env)).__name__} "
                f"are {space.low} and {space.high}."
            )

    def step(self, state: PyTree, action: Array, key: PRNGKeyArray) -> Step:
        """Do the action, or a random one."""
        blows, which, rest = jax.random.split(key, 3)
        space = self.actions
        if isinstance(space, Discrete):
            drawn = jax.random.categorical(which, jnp.where(self.legal(state), 0.0, -jnp.inf))
        else:
            low, high = jnp.asarray(space.low, action.dtype), jnp.asarray(space.high, action.dtype)
            drawn = jax.random.uniform(which, space.shape, action.dtype, low, high)
        blown = jax.random.bernoulli(blows, self.chance)
        return self.env.step(state, jnp.where(blown, drawn.astype(action.dtype), action), rest)


class Past(NamedTuple):
    """A state, and the rows that were observed until then, the last one below."""

    state: PyTree
    rows: Float[Array, "length features"]


class History(Wrapper):
    """Observe the last `length` steps, so that what one observation hides may be told (notes, §5: S̃ = S*).

    The observation is `[length, features]`.  A row is one observation, flattened, an index as one-hot; then,
    with `actions_too`, the action that led to it, one-hot or the numbers, zeros for the first.  Rows from
    before the beginning are zeros.

    >>> from ansatz.rl.envs.mountain_car import MountainCar
    >>> env = History(MountainCar(), 3)
    >>> state = env.reset(jax.random.key(0))
    >>> env.step(state, jnp.asarray(2), jax.random.key(1)).obs[:, 2:]
    Array([[0., 0., 0.], [0., 0., 0.], [0., 0., 1.]], dtype=float32)

    Raises:
        BadInput: `length` is less than 1, or several players take turns, whose observations are not one's.
    """

    length: int = eqx.field(static=True)
    actions_too: bool = eqx.field(static=True, default=True)

    def __check_init__(self) -> None:
        if self.length < 1:
            raise BadInput(f"A history has at least one row, and not {self.length}.")
        if self.env.players > 1:
            name = type(unwrapped(self.env)).__name__
            raise BadInput(
                f"{name} has {self.env.players} players, who see different things; a history is one player's."
            )

    @property
    def observations(self) -> Box:
        """The bounds of the rows, made wide enough for the zeros before the beginning."""
        spaces = [self.env.observations, *([self.env.actions] if self.actions_too else [])]
        low = np.concatenate([_bounds(space)[0] for space in spaces])
        high = np.concatenate([_bounds(space)[1] for space in spaces])
        rows = [
            tuple(map(tuple, np.broadcast_to(one, (self.length, len(one))).tolist()))
            for one in (np.minimum(low, 0.0), np.maximum(high, 0.0))
        ]
        return Box(*rows)

    def reset(self, key: PRNGKeyArray) -> Past:
        """Return a state, with rows of zeros above what is observed first."""
        state = self.env.reset(key)
        row = _flat(self.env.observe(state), self.env.observations)
        width = _width(self.env.actions) if self.actions_too else 0
        row = jnp.concatenate([row, jnp.zeros(width, row.dtype)])
        return Past(state, jnp.concatenate([jnp.zeros((self.length - 1, len(row)), row.dtype), row[None]]))

    def step(self, state: Past, action: Array, key: PRNGKeyArray) -> Step:
        """Do as the environment itself, and remember."""
        step = self.env.step(state.state, action, key)
        parts = [_flat(step.obs, self.env.observations)]
        parts += [_flat(action, self.env.actions).astype(parts[0].dtype)] if self.actions_too else []
        rows = jnp.concatenate([state.rows[1:], jnp.concatenate(parts)[None]])
        return step._replace(state=Past(step.state, rows), obs=rows)

    def inner(self, state: Past) -> PyTree:
        """Return the state without its past."""
        return state.state

    def observe(self, state: Past) -> Float[Array, "length features"]:
        """Return the rows."""
        return state.rows

    def inverse_moves(self, state: Past, key: PRNGKeyArray) -> Any:
        """Refuse: what led to a state does not follow from it."""
        raise BadInput("A history cannot be gone back: the rows before it are not known.")


def _width(space: Discrete | Box) -> int:
    return space.n if isinstance(space, Discrete) else int(np.prod(space.shape, dtype=int))


def _bounds(space: Discrete | Box) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(space, Discrete):
        return np.zeros(space.n), np.ones(space.n)
    return np.ravel(np.asarray(space.low, float)), np.ravel(np.asarray(space.high, float))


def _flat(value: Array, space: Discrete | Box) -> Float[Array, " features"]:
    if isinstance(space, Discrete):
        return jax.nn.one_hot(value, space.n, dtype=float)
    return value.ravel()
