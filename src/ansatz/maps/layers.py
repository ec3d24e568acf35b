"""Layers without a shape of their own: normalizations, dropout, skip connections, chains."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.activations import activation as activation_named
from ansatz.maps.affine import Affine
from ansatz.maps.shapes import positive


class Activation(Map):
    """A named activation as a map, for use in a `Chain`."""

    name: str = eqx.field(static=True)

    def __init__(self, name: str):
        activation_named(name)
        self.name = name

    def __call__(
        self, x: Float[Array, "*shape"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "*shape"]:
        """Return σ(x)."""
        return activation_named(self.name)(x)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Activation, Array]":
        """Return a map and an input for it."""
        return Activation("silu"), jax.random.normal(key, (3,))


class LayerNorm(Map):
    """``scale · (x - mean) / sqrt(variance + 1e-5) + shift`` over the last axis (Ba et al. 2016).

    `scale: [size]` starts at 1 and `shift: [size]` at 0; `x: [..., size]`.
    """

    scale: Float[Array, " size"]
    shift: Float[Array, " size"]

    def __init__(self, size: int):
        positive("LayerNorm", size=size)
        self.scale = jnp.ones(size)
        self.shift = jnp.zeros(size)

    def __call__(
        self, x: Float[Array, "*shape"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "*shape"]:
        """Return the normalized x."""
        size = self.scale.shape[0]
        if x.ndim == 0 or x.shape[-1] != size:
            raise BadInput(f"LayerNorm takes arrays whose last axis is {size} and got {list(x.shape)}.")
        centered = x - x.mean(-1, keepdims=True)
        inverse = jax.lax.rsqrt((centered**2).mean(-1, keepdims=True) + 1e-5)
        ones = (1,) * (x.ndim - 1)
        return centered * inverse * self.scale.reshape(*ones, size) + self.shift.reshape(*ones, size)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[LayerNorm, Array]":
        """Return a small map and an input for it."""
        return LayerNorm(4), jax.random.normal(key, (4,))


class RMSNorm(Map):
    """``scale · x / sqrt(mean(x²) + 1e-5)`` over the last axis (Zhang & Sennrich 2019).

    A layer norm that neither centers nor shifts; `scale: [size]` starts at 1, and `x: [..., size]`.
    """

    scale: Float[Array, " size"]

    def __init__(self, size: int):
        positive("RMSNorm", size=size)
        self.scale = jnp.ones(size)

    def __call__(
        self, x: Float[Array, "*shape"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "*shape"]:
        """Return the normalized x."""
        size = self.scale.shape[0]
        if x.ndim == 0 or x.shape[-1] != size:
            raise BadInput(f"RMSNorm takes arrays whose last axis is {size} and got {list(x.shape)}.")
        inverse = jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-5)
        return x * inverse * self.scale.reshape(*(1,) * (x.ndim - 1), size)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[RMSNorm, Array]":
        """Return a small map and an input for it."""
        return RMSNorm(4), jax.random.normal(key, (4,))


class Dropout(Map):
    """Set each entry to 0 with probability `rate` and divide the rest by 1 - rate, while training.

    Without a key it is the identity, which is also its expectation (Srivastava et al. 2014).
    """

    rate: float = eqx.field(static=True)

    def __init__(self, rate: float = 0.5):
        if not 0 <= rate < 1:
            raise BadInput(f"Dropout needs a rate in [0, 1), not {rate!r}.")
        self.rate = float(rate)

    def __call__(
        self, x: Float[Array, "*shape"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "*shape"]:
        """Return x with some entries dropped."""
        if key is None or self.rate == 0:
            return x
        # Sixteen random bits an entry are half the work of a float and fix the rate to 1 / 65536.
        threshold = min(round(self.rate * 65536), 65535)
        words = jax.random.bits(key, ((x.size + 1) // 2,), jnp.uint32)
        bits = jax.lax.bitcast_convert_type(words, jnp.uint16).reshape(-1)[: x.size].reshape(x.shape)
        kept = bits >= jnp.uint16(threshold)
        return jnp.where(kept, x * (65536 / (65536 - threshold)), jnp.zeros_like(x))

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Dropout, Array]":
        """Return a map and an input for it."""
        return Dropout(0.3), jax.random.normal(key, (6,))


class Skip(Map):
    """A skip connection, ``f(x) = x + inner(x)`` (He et al. 2016); the shapes must agree."""

    inner: Map

    def __init__(self, inner: Map):
        self.inner = inner

    def __call__(
        self, x: Float[Array, "*shape"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "*shape"]:
        """Return x + inner(x)."""
        moved = self.inner(x, key=key)
        if moved.shape != x.shape:
            raise BadInput(
                f"Skip adds x of shape {list(x.shape)} to inner(x) of shape {list(moved.shape)}; "
                "the two must be equal."
            )
        return x + moved

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Skip, Array]":
        """Return a small map and an input for it."""
        return Skip(Affine(3, 3, key=key)), jax.random.normal(key, (3,))


class Chain(Map):
    """One map after the other, ``f(x) = fₙ(… f₂(f₁(x)))``; each gets a key of its own."""

    maps: tuple[Map, ...]

    def __init__(self, *maps: Map):
        if not maps:
            raise BadInput("Chain needs at least one map.")
        self.maps = maps

    def __call__(self, x: Array, *, key: PRNGKeyArray | None = None) -> Array:
        """Apply the maps in order."""
        keys = [None] * len(self.maps) if key is None else list(jax.random.split(key, len(self.maps)))
        for one, k in zip(self.maps, keys, strict=True):
            x = one(x, key=k)
        return x

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Chain, Array]":
        """Return a small map and an input for it."""
        chain = Chain(Affine(3, 4, key=key), LayerNorm(4), Activation("tanh"), Dropout(0.2))
        return chain, jax.random.normal(key, (3,))
