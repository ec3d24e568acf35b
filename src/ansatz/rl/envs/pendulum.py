"""Pendulum: a rod on a hinge, to be swung up and held there."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.rl.env import Box, Env, Step
from ansatz.rl.envs.canvas import Canvas

FASTEST, STRONGEST = 8.0, 2.0


class Pendulum(Env):
    """Turn a rod by a torque u of [-2, 2], so that it comes to stand upright at little expense.

    The state is (θ, θ̇) with θ = 0 upright; observed are (cos θ, sin θ, θ̇).

        r  = -(θ² + θ̇²/10 + u²/1000)                  with θ in [-π, π)
        θ̇' = θ̇ + (3g/(2l) sin θ + 3u/(m l²)) τ        within ±8
        θ' = θ + θ̇' τ

    It begins with θ uniform in [-π, π] and θ̇ in [-1, 1], and never ends but by the time limit.  The angle of
    the state is wrapped to [-π, π), which keeps its digits however often the rod goes round.

    Source: Gymnasium's `Pendulum-v1`, whose time limit is 200.

    >>> env = Pendulum()
    >>> env.step(jnp.asarray([math.pi / 2, 0.0]), jnp.asarray([2.0]), jax.random.key(0)).reward
    Array(-2.4714..., dtype=float32)
    """

    gravity: float = eqx.field(static=True, default=10.0)
    mass: float = eqx.field(static=True, default=1.0)
    length: float = eqx.field(static=True, default=1.0)
    tau: float = eqx.field(static=True, default=0.05)

    @property
    def actions(self) -> Box:
        """The torque."""
        return Box((-STRONGEST,), (STRONGEST,))

    @property
    def observations(self) -> Box:
        """Cosine and sine of the angle, and its velocity."""
        return Box((-1.0, -1.0, -FASTEST), (1.0, 1.0, FASTEST))

    def reset(self, key: PRNGKeyArray) -> Float[Array, "2"]:
        """Return a rod at any angle, turning slowly."""
        far = jnp.asarray([math.pi, 1.0])
        return jax.random.uniform(key, (2,), minval=-far, maxval=far)

    def step(self, state: Float[Array, "2"], action: Float[Array, "1"], key: PRNGKeyArray) -> Step:
        """Return what a torque leads to."""
        torque = jnp.clip(action[0].astype(state.dtype), -STRONGEST, STRONGEST)
        angle, turning = _wrapped(state[0]), state[1]
        reward = -(angle**2 + 0.1 * turning**2 + 0.001 * torque**2)
        fall = 3 * self.gravity / (2 * self.length) * jnp.sin(angle)
        turn = turning + (fall + 3 / (self.mass * self.length**2) * torque) * self.tau
        turn = jnp.clip(turn, -FASTEST, FASTEST)
        after = jnp.stack([_wrapped(angle + turn * self.tau), turn])
        return Step(after, self.observe(after), reward, jnp.zeros((), bool), jnp.zeros((), bool))

    def observe(self, state: Float[Array, "2"]) -> Float[Array, "3"]:
        """Return cosine and sine in the place of the angle."""
        return jnp.stack([jnp.cos(state[0]), jnp.sin(state[0]), state[1]])

    def render(self, state: Float[Array, "2"]) -> str:
        """Return the rod on its hinge."""
        angle = float(np.asarray(state)[0])
        canvas = Canvas(20, 10, (-1.2, 1.2, -1.2, 1.2)).disc((0.0, 0.0), 0.1)
        return str(canvas.line((0.0, 0.0), (math.sin(angle), math.cos(angle))))


def _wrapped(angle: Float[Array, ""]) -> Float[Array, ""]:
    return (angle + math.pi) % (2 * math.pi) - math.pi
