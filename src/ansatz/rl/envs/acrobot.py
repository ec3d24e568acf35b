"""Acrobot: two links that hang from a hinge, to be swung up by the joint between them."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ansatz.rl.env import Box, Discrete, Env, Step
from ansatz.rl.envs.canvas import Canvas

FASTEST = (4 * math.pi, 9 * math.pi)


class Acrobot(Env):
    """Turn the joint between two links by a torque of -1 (0), 0 (1) or +1 (2), until their tip is high.

    The state is (θ₁, θ₂, θ̇₁, θ̇₂), θ₁ from hanging down and θ₂ from the first link; observed are
    (cos θ₁, sin θ₁, cos θ₂, sin θ₂, θ̇₁, θ̇₂).  Both links have length l, mass m, centre of mass at l_c and the
    moment of inertia I; with the torque τ (Sutton and Barto's book, not the paper of 1996),

        d₁ = m l_c² + m (l² + l_c² + 2 l l_c cos θ₂) + 2 I        d₂ = m (l_c² + l l_c cos θ₂) + I
        φ₂ = m l_c g cos(θ₁ + θ₂ - π/2)
        φ₁ = -m l l_c (θ̇₂² + 2 θ̇₂ θ̇₁) sin θ₂ + m (l_c + l) g cos(θ₁ - π/2) + φ₂
        θ̈₂ = (τ + d₂ φ₁ / d₁ - m l l_c θ̇₁² sin θ₂ - φ₂) / (m l_c² + I - d₂² / d₁)
        θ̈₁ = -(d₂ θ̈₂ + φ₁) / d₁

    A step is one of the classical Runge-Kutta method, of length 0.2; then angles are wrapped to [-π, π] and
    velocities held within ±4π and ±9π.  It begins with each number uniform in ±0.1, pays -1 a step and 0 for
    the last, and ends where -cos θ₁ - cos(θ₁ + θ₂) > 1.

    Source: Sutton, Generalization in reinforcement learning (1996); Sutton and Barto, Reinforcement Learning
    (2018); Gymnasium's `Acrobot-v1`, whose time limit is 500.

    >>> env = Acrobot()
    >>> bool(env.step(jnp.asarray([3.1, 0.0, 0.0, 0.0]), jnp.asarray(1), jax.random.key(0)).terminated)
    True
    """

    gravity: float = eqx.field(static=True, default=9.8)
    length: float = eqx.field(static=True, default=1.0)
    mass: float = eqx.field(static=True, default=1.0)
    center: float = eqx.field(static=True, default=0.5)
    inertia: float = eqx.field(static=True, default=1.0)
    tau: float = eqx.field(static=True, default=0.2)

    @property
    def actions(self) -> Discrete:
        """The torque: -1, 0, +1."""
        return Discrete(3)

    @property
    def observations(self) -> Box:
        """Cosine and sine of both angles, and their velocities."""
        high = (1.0, 1.0, 1.0, 1.0, *FASTEST)
        return Box(tuple(-one for one in high), high)

    def reset(self, key: PRNGKeyArray) -> Float[Array, "4"]:
        """Return links that hang down, nearly."""
        return jax.random.uniform(key, (4,), minval=-0.1, maxval=0.1)

    def slope(self, state: Float[Array, "4"], torque: Float[Array, ""]) -> Float[Array, "4"]:
        """Return the derivative of the state in time."""
        first, second, fast, faster = state
        m, length, center, g = self.mass, self.length, self.center, self.gravity
        arm = m * length * center
        cosine, sine = jnp.cos(second), jnp.sin(second)
        d1 = m * center**2 + m * (length**2 + center**2) + 2 * arm * cosine + 2 * self.inertia
        d2 = m * center**2 + arm * cosine + self.inertia
        phi2 = m * center * g * jnp.cos(first + second - math.pi / 2)
        phi1 = (
            -arm * (faster**2 + 2 * faster * fast) * sine
            + m * (center + length) * g * jnp.cos(first - math.pi / 2)
            + phi2
        )
        bend = (torque + d2 / d1 * phi1 - arm * fast**2 * sine - phi2) / (
            m * center**2 + self.inertia - d2**2 / d1
        )
        return jnp.stack([fast, faster, -(d2 * bend + phi1) / d1, bend])

    def step(self, state: Float[Array, "4"], action: Int[Array, ""], key: PRNGKeyArray) -> Step:
        """Return what a torque at the joint leads to."""
        torque, tau = action.astype(state.dtype) - 1, self.tau
        k1 = self.slope(state, torque)
        k2 = self.slope(state + tau / 2 * k1, torque)
        k3 = self.slope(state + tau / 2 * k2, torque)
        k4 = self.slope(state + tau * k3, torque)
        moved = state + tau / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        angles = moved[:2] - 2 * math.pi * jnp.ceil((moved[:2] - math.pi) / (2 * math.pi))
        fastest = jnp.asarray(FASTEST, state.dtype)
        after = jnp.concatenate([angles, jnp.clip(moved[2:], -fastest, fastest)])
        over = -jnp.cos(after[0]) - jnp.cos(after[0] + after[1]) > 1
        reward = jnp.where(over, 0.0, -1.0).astype(state.dtype)
        return Step(after, self.observe(after), reward, over, jnp.zeros((), bool))

    def observe(self, state: Float[Array, "4"]) -> Float[Array, "6"]:
        """Return cosines and sines in the place of the angles."""
        first, second, fast, faster = state
        parts = [jnp.cos(first), jnp.sin(first), jnp.cos(second), jnp.sin(second), fast, faster]
        return jnp.stack(parts)

    def render(self, state: Float[Array, "4"]) -> str:
        """Return the two links, and the height that their tip is to reach."""
        first, second = np.asarray(state, float)[:2].tolist()
        size, edge = self.length, 2.2 * self.length
        joint = (size * math.sin(first), -size * math.cos(first))
        tip = (joint[0] + size * math.sin(first + second), joint[1] - size * math.cos(first + second))
        canvas = Canvas(26, 13, (-edge, edge, -edge, edge))
        canvas.dot(np.linspace(-edge, edge, 18), np.full(18, size))
        return str(canvas.disc((0.0, 0.0), 0.12).line((0.0, 0.0), joint, tip).disc(joint, 0.12))
