"""MountainCar: a car too weak for the hill, which has to gather speed on the one behind it."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.rl.env import Box, Discrete, Env, Step
from ansatz.rl.envs.canvas import Canvas

LEFT, RIGHT, FASTEST = -1.2, 0.6, 0.07


class _Valley(Env):
    """The valley with the height 0.45 sin 3x + 0.55 that both cars drive in; the state is (x, v)."""

    goal_velocity: float = eqx.field(static=True, default=0.0)

    @property
    def observations(self) -> Box:
        """Place and velocity."""
        return Box((LEFT, -FASTEST), (RIGHT, FASTEST))

    def reset(self, key: PRNGKeyArray) -> Float[Array, "2"]:
        """Return a car at rest near the lowest point."""
        return jnp.stack([jax.random.uniform(key, minval=-0.6, maxval=-0.4), jnp.zeros(())])

    def drive(self, state: Float[Array, "2"], push: Float[Array, ""]) -> Float[Array, "2"]:
        """Return the state after a push, with the car stopped by the wall on the left."""
        place, speed = state
        speed = jnp.clip(speed + push - 0.0025 * jnp.cos(3 * place), -FASTEST, FASTEST)
        place = jnp.clip(place + speed, LEFT, RIGHT)
        return jnp.stack([place, jnp.where((place <= LEFT) & (speed < 0), 0.0, speed)])

    def observe(self, state: Float[Array, "2"]) -> Float[Array, "2"]:
        """Return the state."""
        return state

    def picture(self, state: Any, goal: float) -> str:
        """Return the valley, the car and the flag."""
        x = np.linspace(LEFT, RIGHT, 400)
        place = float(np.asarray(state)[0])
        height = float(np.sin(3 * place) * 0.45 + 0.55)
        foot = math.sin(3 * goal) * 0.45 + 0.55
        canvas = Canvas(40, 10, (LEFT, RIGHT, 0.0, 1.3)).dot(x, np.sin(3 * x) * 0.45 + 0.55)
        return str(canvas.line((goal, foot), (goal, foot + 0.22)).disc((place, height + 0.06), 0.05))


class MountainCar(_Valley):
    """Push a weak car to the left (0), not at all (1) or to the right (2), until it is up the hill.

        v' = v + 0.001 (a - 1) - 0.0025 cos 3x        within ±0.07
        x' = x + v'                                   within [-1.2, 0.6]; v' = 0 at the wall on the left

    It begins with x uniform in [-0.6, -0.4] and v = 0, pays -1 a step, and ends where x ≥ 0.5 and
    v ≥ `goal_velocity`.

    Source: Moore, Efficient memory-based learning for robot control (1990); Gymnasium's `MountainCar-v0`,
    whose time limit is 200.

    >>> env = MountainCar()
    >>> env.step(jnp.asarray([-0.5, 0.0]), jnp.asarray(2), jax.random.key(0)).obs
    Array([-0.4991...,  0.0008...], dtype=float32)
    """

    @property
    def actions(self) -> Discrete:
        """To the left, not at all, to the right."""
        return Discrete(3)

    def step(self, state: Float[Array, "2"], action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Return what a push leads to."""
        after = self.drive(state, 0.001 * (action.astype(state.dtype) - 1))
        over = (after[0] >= 0.5) & (after[1] >= self.goal_velocity)
        return Step(after, after, -jnp.ones((), state.dtype), over, jnp.zeros((), bool))

    def render(self, state: Float[Array, "2"]) -> str:
        """Return the valley, the car and the flag."""
        return self.picture(state, 0.5)


class MountainCarContinuous(_Valley):
    """Push a weak car by a force a of [-1, 1], until it is up the hill, at little expense.

        v' = v + 0.0015 a - 0.0025 cos 3x             within ±0.07
        x' = x + v'                                   within [-1.2, 0.6]; v' = 0 at the wall on the left

    It begins with x uniform in [-0.6, -0.4] and v = 0, pays -a²/10 a step and 100 for the last, and ends
    where x ≥ 0.45 and v ≥ `goal_velocity`.  A force beyond ±1 is cut off there, and paid for in full.

    Source: Moore, Efficient memory-based learning for robot control (1990); Gymnasium's
    `MountainCarContinuous-v0`, whose time limit is 999.

    >>> env = MountainCarContinuous()
    >>> float(env.step(jnp.asarray([0.44, 0.07]), jnp.asarray([1.0]), jax.random.key(0)).reward)
    99.9000...
    """

    @property
    def actions(self) -> Box:
        """The force."""
        return Box((-1.0,), (1.0,))

    def step(self, state: Float[Array, "2"], action: Float[Array, "1"], key: PRNGKeyArray) -> Step:
        """Return what a push leads to."""
        push = action[0].astype(state.dtype)
        after = self.drive(state, 0.0015 * jnp.clip(push, -1, 1))
        over = (after[0] >= 0.45) & (after[1] >= self.goal_velocity)
        reward = jnp.where(over, 100.0, 0.0).astype(state.dtype) - 0.1 * push**2
        return Step(after, after, reward, over, jnp.zeros((), bool))

    def render(self, state: Float[Array, "2"]) -> str:
        """Return the valley, the car and the flag."""
        return self.picture(state, 0.45)
