"""Initial weights: Glorot, He and orthogonal, each with the variance that its paper asks for.

A weight has the shape `[out, in]`, or `[height, width, in, out]` for a convolution.  With r the
number of positions of the filter (1 for a matrix), ``fan_in = r · in`` and ``fan_out = r · out``.

| name | variance of an entry |
|---|---|
| glorot_uniform, glorot_normal | ``gain² · 2 / (fan_in + fan_out)`` (Glorot & Bengio 2010) |
| he_uniform, he_normal | ``gain² / fan_in`` (He et al. 2015, where gain² = 2 for ReLU) |
| orthogonal | ``W Wᵀ = gain² 1`` or ``Wᵀ W = gain² 1`` (Saxe et al. 2014) |
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz._spelling import choose
from ansatz.core import BadInput

# gain(σ) = 1 / sqrt(E[σ(z)²]) for z ~ N(0, 1): a wide layer then keeps its signal's mean square.
GAINS: dict[str, float] = {
    "sigmoid": 1.8462285453,
    "tanh": 1.5925374197,
    "relu": math.sqrt(2),
    "leaky_relu": math.sqrt(2 / (1 + 0.01**2)),
    "elu": 1.2451983007,
    "silu": 1.6765324703,
    "gelu": 1.5335304412,
    "sin": 1.5208666232,
    "softmax": 1.0,
    "identity": 1.0,
}


def gain(activation: str) -> float:
    """Return the factor on the weights that makes up for what an activation takes from the signal.

    ``gain = E[σ(z)²]^(-1/2)``, z ~ N(0, 1): √2 for ReLU (He et al. 2015); 1 for softmax, which ends a
    network.

    >>> round(gain("relu") ** 2, 12)
    2.0
    """
    return choose("activation", activation, GAINS)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight `[out, in]` or `[height, width, in, out]`.

    >>> fans((5, 3)), fans((3, 3, 2, 7))
    ((3, 5), (18, 63))
    """
    if len(shape) == 2:
        return shape[1], shape[0]
    if len(shape) == 4:
        return math.prod(shape[:3]), shape[0] * shape[1] * shape[3]
    raise BadInput(f"A weight has shape [out, in] or [height, width, in, out], not {list(shape)}.")


def glorot_normal(key: PRNGKeyArray, shape: tuple[int, ...], gain: float = 1.0) -> Float[Array, "..."]:
    """Draw a normal weight of variance ``gain² · 2 / (fan_in + fan_out)``."""
    return _normal(key, shape, gain * math.sqrt(2 / sum(fans(shape))))


def glorot_uniform(key: PRNGKeyArray, shape: tuple[int, ...], gain: float = 1.0) -> Float[Array, "..."]:
    """Draw a uniform weight of variance ``gain² · 2 / (fan_in + fan_out)``."""
    return _uniform(key, shape, gain * math.sqrt(2 / sum(fans(shape))))


def he_normal(key: PRNGKeyArray, shape: tuple[int, ...], gain: float = math.sqrt(2)) -> Float[Array, "..."]:
    """Draw a normal weight of variance ``gain² / fan_in``."""
    return _normal(key, shape, gain / math.sqrt(fans(shape)[0]))


def he_uniform(key: PRNGKeyArray, shape: tuple[int, ...], gain: float = math.sqrt(2)) -> Float[Array, "..."]:
    """Draw a uniform weight of variance ``gain² / fan_in``."""
    return _uniform(key, shape, gain / math.sqrt(fans(shape)[0]))


def orthogonal(key: PRNGKeyArray, shape: tuple[int, ...], gain: float = 1.0) -> Float[Array, "..."]:
    """Draw a weight whose rows or columns, whichever are fewer, are orthogonal and of length `gain`.

    It is uniform over such matrices (the QR decomposition's signs are corrected, Mezzadri 2007); a
    convolution is orthogonal as the matrix from patches `[fan_in]` to channels `[out]`.
    """
    inputs, outputs = fans(shape)[0], shape[0] if len(shape) == 2 else shape[-1]
    tall = jax.random.normal(key, (max(inputs, outputs), min(inputs, outputs)))
    q, r = jnp.linalg.qr(tall)
    q = gain * q * jnp.sign(jnp.diagonal(r))[None, :]
    if len(shape) == 2:
        return q if outputs >= inputs else q.T
    return (q if inputs >= outputs else q.T).reshape(shape)


INITIALS: dict[str, Callable[..., Array]] = {
    "glorot": glorot_uniform,
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he": he_normal,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "orthogonal": orthogonal,
}


def initial(name: str) -> Callable[..., Array]:
    """Return the initialization `(key, shape, gain) -> weight` of this name, or raise `BadInput`.

    >>> initial("orthogonal")(jax.random.key(0), (4, 2)).shape
    (4, 2)
    """
    return choose("initialization", name, INITIALS)


def _normal(key: PRNGKeyArray, shape: tuple[int, ...], deviation: float) -> Array:
    return deviation * jax.random.normal(key, shape)


def _uniform(key: PRNGKeyArray, shape: tuple[int, ...], deviation: float) -> Array:
    bound = math.sqrt(3) * deviation
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)
