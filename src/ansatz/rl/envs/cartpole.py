"""CartPole: a pole on a cart, to be kept upright."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.rl.env import Box, Discrete, Env, Step
from ansatz.rl.envs.canvas import Canvas

FARTHEST, TILTED = 2.4, 12 * math.pi / 180


class CartPole(Env):
    """Push a cart to the left (0) or to the right (1), so that the pole on it stays upright.

    The state, which is observed, is (x, ẋ, θ, θ̇): the cart's place, the pole's angle from the vertical, and
    their velocities.  With the force F = ±`force`, the pole's mass m and half its length l, and the mass M of
    both,

        f = (F + m l θ̇² sin θ) / M
        θ̈ = (g sin θ - f cos θ) / (l (4/3 - m cos² θ / M))
        ẍ = f - m l θ̈ cos θ / M

    and a step is one of Euler's explicit method, of length τ.  It begins with each number uniform in ±0.05,
    pays 1 a step, and ends where |x| > 2.4 or |θ| > 12°.

    Source: Barto, Sutton and Anderson, Neuronlike adaptive elements that can solve difficult learning control
    problems (1983), as corrected by Florian (2007); Gymnasium's `CartPole-v1`, whose time limit is 500.

    >>> env = CartPole()
    >>> state = jnp.zeros(4)
    >>> env.step(state, jnp.asarray(1), jax.random.key(0)).obs
    Array([ 0. ,  0.19512..., 0. , -0.29268...], dtype=float32)
    """

    gravity: float = eqx.field(static=True, default=9.8)
    cart: float = eqx.field(static=True, default=1.0)
    pole: float = eqx.field(static=True, default=0.1)
    length: float = eqx.field(static=True, default=0.5)
    force: float = eqx.field(static=True, default=10.0)
    tau: float = eqx.field(static=True, default=0.02)

    @property
    def actions(self) -> Discrete:
        """To the left, to the right."""
        return Discrete(2)

    @property
    def observations(self) -> Box:
        """Place, velocity, angle and angular velocity; the last observation is beyond the bounds of a run."""
        high = (2 * FARTHEST, math.inf, 2 * TILTED, math.inf)
        return Box(tuple(-one for one in high), high)

    def reset(self, key: PRNGKeyArray) -> Float[Array, "4"]:
        """Return a cart at rest, nearly, with its pole upright, nearly."""
        return jax.random.uniform(key, (4,), minval=-0.05, maxval=0.05)

    def step(self, state: Float[Array, "4"], action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Return what pushing to the left or to the right leads to."""
        _, speed, angle, turning = state
        mass, lever = self.cart + self.pole, self.pole * self.length
        sine, cosine = jnp.sin(angle), jnp.cos(angle)
        push = jnp.where(action == 1, self.force, -self.force).astype(state.dtype)
        pull = (push + lever * turning**2 * sine) / mass
        inertia = self.length * (4 / 3 - self.pole * cosine**2 / mass)
        torque = (self.gravity * sine - cosine * pull) / inertia
        thrust = pull - lever * torque * cosine / mass
        after = state + self.tau * jnp.stack([speed, thrust, turning, torque])
        over = (jnp.abs(after[0]) > FARTHEST) | (jnp.abs(after[2]) > TILTED)
        return Step(after, after, jnp.ones((), state.dtype), over, jnp.zeros((), bool))

    def observe(self, state: Float[Array, "4"]) -> Float[Array, "4"]:
        """Return the state."""
        return state

    def render(self, state: Float[Array, "4"]) -> str:
        """Return the cart and its pole, over the track."""
        x, _, angle, _ = np.asarray(state, float).tolist()
        pole = 2 * self.length
        canvas = Canvas(48, 8, (-FARTHEST, FARTHEST, -0.25, 1.35)).line((-FARTHEST, -0.2), (FARTHEST, -0.2))
        for height in (-0.1, -0.05, 0.0):
            canvas.line((x - 0.25, height), (x + 0.25, height))
        return str(canvas.line((x, 0.0), (x + pole * math.sin(angle), pole * math.cos(angle))))
