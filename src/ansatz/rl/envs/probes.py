"""Probe environments: so small that their values are known, and each tests one part of an algorithm.

A learner that fails a probe has a fault in what the probe isolates; in the order below each adds one thing.

| probe | isolates | v* |
|---|---|---|
| `Constant` | the loss of the value, the optimizer | 1 |
| `Sighted` | that values depend on observations | the observation |
| `Delayed` | discounting, bootstrapping | γ, then 1 |
| `Choice` | the advantage, the policy | 1 |
| `Reading` | a policy that depends on observations | 1 |
| `Forbidden` | masks: the best action is illegal | 1 |
| `Aim` | policies over real numbers | 0 |
| `Endless` | truncation: cut off, it has a future | 1/(1 - γ) |

Source: Jones, Debugging reinforcement learning systems (2021), for the first five.
"""

import abc
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from ansatz.rl.env import Box, Discrete, Env, Step

LINE = Box((-1.0,), (1.0,))


class Probe(Env):
    """An environment whose best values are known; its state is its observation, a number in [-1, 1]."""

    @property
    def actions(self) -> Discrete | Box:
        """One action, unless the probe is about more."""
        return Discrete(1)

    @property
    def observations(self) -> Box:
        """A number."""
        return LINE

    @abc.abstractmethod
    def value(self, observation: Float[Array, "1"], discount: float) -> Float[Array, ""]:
        """Return v* of an observation."""

    def reset(self, key: PRNGKeyArray) -> Float[Array, "1"]:
        """Return the observation 0."""
        return jnp.zeros(1)

    def observe(self, state: Float[Array, "1"]) -> Float[Array, "1"]:
        """Return the state."""
        return state

    def render(self, state: Any) -> str:
        """Return the observation on a line from -1 to 1."""
        line = ["─"] * 21
        line[round(10 * float(state[0])) + 10] = "●"
        return "".join(line)


class Constant(Probe):
    """One step, which pays 1."""

    def value(self, observation: Float[Array, "1"], discount: float) -> Float[Array, ""]:
        """Return 1."""
        return jnp.ones((), observation.dtype)

    def step(self, state: Float[Array, "1"], action: Array, key: PRNGKeyArray) -> Step:
        """Pay 1 and end."""
        return _paid(state, jnp.ones((), state.dtype))


class Sighted(Probe):
    """One step, which pays what is observed, -1 or 1."""

    def reset(self, key: PRNGKeyArray) -> Float[Array, "1"]:
        """Return -1 or 1."""
        return jax.random.rademacher(key, (1,)).astype(float)

    def value(self, observation: Float[Array, "1"], discount: float) -> Float[Array, ""]:
        """Return the observation."""
        return observation[0]

    def step(self, state: Float[Array, "1"], action: Array, key: PRNGKeyArray) -> Step:
        """Pay the observation and end."""
        return _paid(state, state[0])


class Delayed(Probe):
    """Two steps, observed as 0 and 1, the second of which pays 1."""

    def value(self, observation: Float[Array, "1"], discount: float) -> Float[Array, ""]:
        """Return γ in the first step and 1 in the second."""
        return jnp.where(observation[0] > 0.5, 1.0, discount).astype(observation.dtype)

    def step(self, state: Float[Array, "1"], action: Array, key: PRNGKeyArray) -> Step:
        """Pay what is observed, and end after the second."""
        after, over = jnp.ones_like(state), state[0] > 0.5
        return Step(after, after, state[0], over, jnp.zeros((), bool))


class Choice(Constant):
    """One step, which pays -1 for the action 0 and 1 for the action 1."""

    @property
    def actions(self) -> Discrete:
        """The worse and the better."""
        return Discrete(2)

    def step(self, state: Float[Array, "1"], action: Array, key: PRNGKeyArray) -> Step:
        """Pay by the action and end."""
        return _paid(state, jnp.where(action == 1, 1.0, -1.0).astype(state.dtype))


class Reading(Sighted):
    """One step, which pays 1 for the action 1 on observing 1 and the action 0 on observing -1, else -1."""

    @property
    def actions(self) -> Discrete:
        """Either may be the better."""
        return Discrete(2)

    def value(self, observation: Float[Array, "1"], discount: float) -> Float[Array, ""]:
        """Return 1."""
        return jnp.ones((), observation.dtype)

    def step(self, state: Float[Array, "1"], action: Array, key: PRNGKeyArray) -> Step:
        """Pay whether the action was read off the observation, and end."""
        return _paid(state, jnp.where(action == 1, state[0], -state[0]))


class Forbidden(Constant):
    """One step, which pays 0, 1 and 2 for its three actions, the last of which is illegal."""

    @property
    def actions(self) -> Discrete:
        """The worst, the best that is legal, and the best."""
        return Discrete(3)

    def legal(self, state: Float[Array, "1"]) -> Bool[Array, "3"]:
        """Return that the first two are."""
        return jnp.asarray([True, True, False])

    def step(self, state: Float[Array, "1"], action: Array, key: PRNGKeyArray) -> Step:
        """Pay by the action and end."""
        return _paid(state, action.astype(state.dtype))


class Aim(Probe):
    """One step, which pays -(a - 1/2)² for a number a of [-1, 1]."""

    @property
    def actions(self) -> Box:
        """A number."""
        return LINE

    def value(self, observation: Float[Array, "1"], discount: float) -> Float[Array, ""]:
        """Return 0, which a = 1/2 gets."""
        return jnp.zeros((), observation.dtype)

    def step(self, state: Float[Array, "1"], action: Array, key: PRNGKeyArray) -> Step:
        """Pay by the action and end."""
        return _paid(state, -((action[0].astype(state.dtype) - 0.5) ** 2))


class Endless(Probe):
    """Steps that pay 1 and never end; under a time limit the value is the same, if truncation is no end."""

    def value(self, observation: Float[Array, "1"], discount: float) -> Float[Array, ""]:
        """Return 1/(1 - γ)."""
        return jnp.full((), 1 / (1 - discount), observation.dtype)

    def step(self, state: Float[Array, "1"], action: Array, key: PRNGKeyArray) -> Step:
        """Pay 1 and go on."""
        return Step(state, state, jnp.ones((), state.dtype), jnp.zeros((), bool), jnp.zeros((), bool))


PROBES = (Constant, Sighted, Delayed, Choice, Reading, Forbidden, Aim, Endless)


def _paid(state: Float[Array, "1"], reward: Float[Array, ""]) -> Step:
    return Step(state, state, reward, jnp.ones((), bool), jnp.zeros((), bool))
