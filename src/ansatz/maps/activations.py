"""The unary nonlinearities that stand between affine maps, and softmax (notes §1, equations 1-4)."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ansatz._spelling import choose

SLOPE = 0.01


def identity(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``x``."""
    return x


def sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``1 / (1 + exp(-x))`` (notes, equation 1)."""
    return jax.nn.sigmoid(x)


def tanh(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``(exp(x) - exp(-x)) / (exp(x) + exp(-x))`` (notes, equation 2)."""
    return jnp.tanh(x)


def relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``max(0, x)`` (notes, equation 3); the derivative at 0 is taken to be 0."""
    return jax.nn.relu(x)


def leaky_relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``x`` where x > 0, else ``0.01 x``."""
    return jnp.where(x > 0, x, SLOPE * x)


def elu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``x`` where x > 0, else ``exp(x) - 1``."""
    return jnp.where(x > 0, x, jnp.expm1(jnp.minimum(x, 0)))


def silu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``x · sigmoid(x)``."""
    return x * jax.nn.sigmoid(x)


def gelu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``x · Φ(x)`` with Φ the normal distribution function (exact, not the tanh approximation)."""
    return x * _normal_cdf(x)


def sin(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``sin(x)``."""
    return jnp.sin(x)


def softmax(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``exp(x_i) / Σ_j exp(x_j)`` over the last axis (notes, equation 4)."""
    return jax.nn.softmax(x, axis=-1)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "silu": silu,
    "gelu": gelu,
    "sin": sin,
    "softmax": softmax,
    "identity": identity,
}

# The derivatives are written out for the backward pass by hand; softmax is not unary and has none.
DERIVATIVES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda x: jax.nn.sigmoid(x) * jax.nn.sigmoid(-x),
    "tanh": lambda x: 1 - jnp.tanh(x) ** 2,
    "relu": lambda x: (x > 0).astype(x.dtype),
    "leaky_relu": lambda x: jnp.where(x > 0, jnp.ones_like(x), jnp.full_like(x, SLOPE)),
    "elu": lambda x: jnp.where(x > 0, jnp.ones_like(x), jnp.exp(jnp.minimum(x, 0))),
    "silu": lambda x: jax.nn.sigmoid(x) * (1 + x * jax.nn.sigmoid(-x)),
    "gelu": lambda x: _normal_cdf(x) + x * jnp.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
    "sin": jnp.cos,
    "identity": jnp.ones_like,
}


def activation(name: str) -> Callable[[Array], Array]:
    """Return the activation of this name; an unknown one raises `BadInput` with the nearest spelling.

    >>> float(activation("relu")(jnp.asarray(-2.0)))
    0.0
    """
    return choose("activation", name, ACTIVATIONS)


def derivative(name: str) -> Callable[[Array], Array]:
    """Return σ' of a unary activation, as a function of its argument x.

    >>> float(derivative("tanh")(jnp.asarray(0.0)))
    1.0
    """
    return choose("unary activation", name, DERIVATIVES)


def _normal_cdf(x: Array) -> Array:
    return 0.5 * (1 + jax.lax.erf(x / math.sqrt(2)))
