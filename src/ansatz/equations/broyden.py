"""Self-scaled quasi-Newton methods with a dense inverse Hessian: SS-BFGS and SS-Broyden.

With s = θ⁺ − θ, y = g⁺ − g, b = sᵀH⁻¹s / yᵀs, h = yᵀHy / yᵀs and a = h b − 1, the update is

    H⁺ = (H − H y yᵀ H / yᵀHy + φ v vᵀ) / τ + s sᵀ / yᵀs,   v = √(yᵀHy) (s / yᵀs − H y / yᵀHy).

SS-BFGS has φ = 1, τ = min(1, 1/b); SS-Broyden chooses φ and τ of the whole Broyden class (Al-Baali 1998;
Urbán, Stefanou and Pons 2024, arXiv 2405.04230), which on residuals of equations converges far faster.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

TINY = 1e-300


class BroydenState(NamedTuple):
    """The inverse Hessian `[P, P]`, and θ, the gradient and the direction of the last step, each `[P]`."""

    inverse: Array
    theta: Array
    gradient: Array
    direction: Array
    begun: Array


def scale_by_broyden(bfgs: bool = False) -> optax.GradientTransformation:
    """Return the transformation g ↦ H g with the inverse Hessian learned from past steps."""

    def init(params: Any) -> BroydenState:
        theta = ravel_pytree(params)[0]
        zero = jnp.zeros_like(theta)
        return BroydenState(jnp.eye(theta.size, dtype=theta.dtype), zero, zero, zero, jnp.asarray(False))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, BroydenState]:
        gradient, unravel = ravel_pytree(updates)
        theta = ravel_pytree(params)[0]
        s, y = theta - state.theta, gradient - state.gradient
        curved = (y @ s > 1e-14 * jnp.linalg.norm(y) * jnp.linalg.norm(s)) & state.begun
        fresh = jax.lax.cond(
            curved,
            lambda: updated(state.inverse, s, y, state.gradient, state.direction, bfgs),
            lambda: state.inverse,
        )
        direction = fresh @ gradient
        downhill = direction @ gradient > 0
        fresh = jnp.where(downhill, fresh, jnp.eye(theta.size, dtype=theta.dtype))
        direction = jnp.where(downhill, direction, gradient)
        return unravel(direction), BroydenState(fresh, theta, gradient, -direction, jnp.asarray(True))

    return optax.GradientTransformation(init, update)


def updated(inverse: Array, s: Array, y: Array, gradient: Array, direction: Array, bfgs: bool) -> Array:
    """Return the next inverse Hessian."""
    ys, turned = y @ s, inverse @ y
    yhy = y @ turned
    length = (s @ s) / (s @ direction + TINY)
    b = jnp.abs(length * (s @ gradient)) / ys
    h = yhy / ys
    a = jnp.maximum(h * b - 1.0, 1e-12)
    first = jnp.minimum(1.0, 1.0 / b)
    if bfgs:
        phi, tau = jnp.ones_like(b), first
    else:
        c = jnp.sqrt(a / (1.0 + a))
        least = jnp.minimum(1.0, h * (1.0 - c))
        theta = jnp.clip((1.0 - b) / b, (least - 1.0) / a, 1.0 / least)
        sigma = 1.0 + a * theta
        root = jnp.abs(sigma) ** (-1.0 / (s.size - 1 + (s.size == 1)))
        positive = first * jnp.minimum(root, 1.0 / jnp.where(theta > 0, theta, 1.0))
        tau = jnp.where(theta > 0, positive, jnp.minimum(first * root, sigma))
        phi = (1.0 - theta) / (1.0 + a * theta)
    v = jnp.sqrt(yhy) * (s / ys - turned / yhy)
    inner = inverse - jnp.outer(turned, turned) / yhy + phi * jnp.outer(v, v)
    return inner / tau + jnp.outer(s, s) / ys


def broyden(bfgs: bool = False, searches: int = 25) -> optax.GradientTransformation:
    """Return SS-Broyden (or SS-BFGS) with a zoom line search: `Descend(objective, broyden())`.

    It wants the same points at every step, and P² numbers of memory for P parameters.
    """
    search = optax.scale_by_zoom_linesearch(max_linesearch_steps=searches, initial_guess_strategy="one")
    return optax.chain(scale_by_broyden(bfgs), optax.scale(-1.0), search)
