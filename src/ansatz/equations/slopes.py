"""Derivatives of the smooth activations, to order 4, each from those before it."""

import itertools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz._spelling import choose

Table = tuple[Array, ...]


def slopes(name: str, z: Float[Array, "*shape"], order: int) -> Table:
    """Return ``(σ(z), σ'(z), …)`` up to σ⁽ᵒʳᵈᵉʳ⁾, order 0 to 4, of a smooth activation.

    `name` is one of tanh, sin, sigmoid, silu, gelu and identity; another raises `BadInput`.

    >>> [float(s) for s in slopes("sigmoid", jnp.asarray(0.0), 1)]
    [0.5, 0.25]
    """
    return choose("smooth activation", name, SLOPES)(z)[: order + 1]


def _tanh(z: Array) -> Table:
    y = jnp.tanh(z)
    first = 1 - y * y
    second = -2 * y * first
    third = -2 * (first * first + y * second)
    return y, first, second, third, -2 * (3 * first * second + y * third)


def _sin(z: Array) -> Table:
    s, c = jnp.sin(z), jnp.cos(z)
    return s, c, -s, -c, s


def _sigmoid(z: Array) -> Table:
    y = jax.nn.sigmoid(z)
    first = y * jax.nn.sigmoid(-z)
    slant = 1 - 2 * y
    second = first * slant
    third = second * slant - 2 * first * first
    return y, first, second, third, third * slant - 6 * first * second


def _silu(z: Array) -> Table:
    return _times_argument(z, _sigmoid(z))


def _gelu(z: Array) -> Table:
    density = jnp.exp(-(z * z) / 2) / math.sqrt(2 * math.pi)
    hermite = (1, -z, z * z - 1, -z * (z * z - 3))
    distribution = 0.5 * (1 + jax.lax.erf(z / math.sqrt(2)))
    return _times_argument(z, (distribution, *(density * h for h in hermite)))


def _identity(z: Array) -> Table:
    zero = jnp.zeros_like(z)
    return z, jnp.ones_like(z), zero, zero, zero


def _times_argument(z: Array, table: Table) -> Table:
    """Return the derivatives of z g(z): ``z g⁽ᵏ⁾ + k g⁽ᵏ⁻¹⁾``."""
    pairs = enumerate(itertools.pairwise(table), 1)
    return (z * table[0], *(z * above + k * below for k, (below, above) in pairs))


SLOPES: dict[str, Callable[[Array], Table]] = {
    "tanh": _tanh,
    "sin": _sin,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "gelu": _gelu,
    "identity": _identity,
}
