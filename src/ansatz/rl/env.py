"""What an environment is: pure functions of a state, for one episode at a time.

    state = env.reset(key)                            S_0
    observation = env.observe(state)                  what the agent sees of it
    step = env.step(state, action, key)               S_t, A_t -> S_t+1, R_t

An environment holds no state of its own, so that `jax.vmap` runs a thousand episodes and `jax.jit` compiles
them together with the training.  Who plays an episode starts the next one; `step` never does.
"""

import abc
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ansatz.errors import BadInput


class Discrete(eqx.Module):
    """The whole numbers 0, ..., n - 1."""

    n: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        if self.n < 1:
            raise BadInput(f"A discrete space has at least one element, and this one has {self.n}.")


class Box(eqx.Module):
    """The arrays of one shape between `low` and `high`, which may be infinite; nested tuples for matrices."""

    low: Any = eqx.field(static=True)
    high: Any = eqx.field(static=True)

    def __check_init__(self) -> None:
        low, high = np.asarray(self.low, float), np.asarray(self.high, float)
        if low.shape != high.shape:
            raise BadInput(f"A box has bounds of one shape: low has {low.shape}, high has {high.shape}.")
        if not (low <= high).all():
            raise BadInput(f"A box has low <= high everywhere: low is {self.low}, high is {self.high}.")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an element."""
        return np.shape(self.low)


def everywhere(low: float, high: float, *shape: int) -> Box:
    """Return the box with the same bounds in every entry.

    >>> everywhere(-1.0, 1.0, 2)
    Box(low=(-1.0, -1.0), high=(1.0, 1.0))
    """

    def nested(value: float, rest: tuple[int, ...]) -> Any:
        return tuple(nested(value, rest[1:]) for _ in range(rest[0])) if rest else value

    return Box(nested(low, shape), nested(high, shape))


class Step(NamedTuple):
    """What one action leads to.

    `reward` is a number, and a vector with one entry a player where there are several.  `terminated`: the
    state is an end, whose value is 0.  `truncated`: the episode is cut off here, and the state would have had
    a value, from which returns are to be bootstrapped.
    """

    state: PyTree
    obs: PyTree
    reward: Float[Array, "..."]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Env(eqx.Module):
    """A Markov decision process, or a game, as pure functions of **one** state (notes, §5)."""

    players: ClassVar[int] = 1
    host: ClassVar[bool] = False
    """Whether it is no pure function and is played in Python (see `ansatz.rl.hosted`)."""

    @property
    @abc.abstractmethod
    def actions(self) -> Discrete | Box:
        """The space of the actions."""

    @property
    @abc.abstractmethod
    def observations(self) -> Discrete | Box:
        """The space of the observations: a `Discrete` one is an index, a `Box` an array."""

    @abc.abstractmethod
    def reset(self, key: PRNGKeyArray) -> PyTree:
        """Return the state in which an episode begins."""

    @abc.abstractmethod
    def step(self, state: PyTree, action: Array, key: PRNGKeyArray) -> Step:
        """Return what a legal action leads to; `key` drives what is random in the world."""

    @abc.abstractmethod
    def observe(self, state: PyTree) -> PyTree:
        """Return what the player whose turn it is sees."""

    def legal(self, state: PyTree) -> Bool[Array, " actions"]:
        """Return which of the discrete actions are allowed, at least one wherever the game is not over."""
        if not isinstance(self.actions, Discrete):
            raise BadInput(f"{type(self).__name__} has continuous actions, of which none is illegal.")
        return jnp.ones(self.actions.n, bool)

    def player(self, state: PyTree) -> Int[Array, ""]:
        """Return whose turn it is, 0 to players - 1."""
        return jnp.zeros((), jnp.int32)

    def inverse_moves(self, state: PyTree, key: PRNGKeyArray) -> PyTree:
        """Return a random state from which one action may lead to this one: a step up the inverse tree."""
        raise BadInput(f"{type(self).__name__} has no inverse moves, from which a curriculum could be made.")

    def render(self, state: PyTree) -> str:
        """Return a state as text for the terminal."""
        return str(np.asarray(self.observe(state)))
