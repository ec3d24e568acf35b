"""Networks that see data through noise: what they are given, and the multilayer perceptron for vectors."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import BadInput, Map
from ansatz.maps.activations import activation as activation_named
from ansatz.maps.affine import Affine
from ansatz.maps.encoding import Embedding
from ansatz.maps.initial import gain
from ansatz.maps.shapes import expect, positive


class Noisy(NamedTuple):
    """What a denoising network sees of one example.

    * `x`: noisy data of any shape, scaled to mean square 1.
    * `t`: the noise level, a number of order 1 that grows with the noise.
    * `condition`: what the data are to match, in whatever form the network knows; None for nothing.
    * `present`: whether the condition counts, `bool[]`; None means yes.  Where it is False the network
      answers as it does without a condition: one network thus learns both.
    """

    x: Any
    t: Any
    condition: Any = None
    present: Any = None


def level_waves(t: Float[Array, ""], count: int) -> Float[Array, " waves"]:
    """Return ``cos(ω_k t)`` and ``sin(ω_k t)`` `[2 · count]` with frequencies from 1/4 to 16.

    >>> level_waves(jnp.asarray(0.0), 2).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    angles = t * jnp.asarray(np.geomspace(0.25, 16.0, count), t.dtype)
    return jnp.concatenate([jnp.cos(angles), jnp.sin(angles)])


class DenoisingMLP(Map):
    """A residual multilayer perceptron on noisy vectors `x: [size]`.

    ``h⁰ = A x``, ``hⁿ = hⁿ⁻¹ + Vⁿ σ(Wⁿ hⁿ⁻¹ ∘ (1 + aⁿ) + bⁿ)`` for n = 1 … depth, ``f = B σ(hⁿ)``, with
    affine A, V, W and B.  The scales aⁿ and shifts bⁿ `[width]` are affine in σ(E), where E is affine in
    ``cos(ω_k t)`` and ``sin(ω_k t)`` with `waves` frequencies from 1/4 to 16, plus the condition's vector.

    * `classes`: the condition is one of so many classes, an integer; one outside is no condition.
    * `condition_size`: the condition is a vector of this length.  At most one of the two is above 0.
    * `activation` is a name of `ACTIVATIONS`.

    The output starts at 0.  Wrong sizes, and a condition where none is known, raise `BadInput`.

    >>> net = DenoisingMLP(2, width=8, depth=1, key=jax.random.key(0))
    >>> net(Noisy(jnp.ones(2), jnp.asarray(0.5))).tolist()
    [0.0, 0.0]
    """

    first: Affine
    level: Affine
    known: Embedding | Affine | None
    modulation: Affine
    inner: tuple[Affine, ...]
    outer: tuple[Affine, ...]
    last: Affine
    waves: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __init__(
        self,
        size: int,
        width: int = 128,
        depth: int = 3,
        classes: int = 0,
        condition_size: int = 0,
        waves: int = 16,
        activation: str = "silu",
        *,
        key: PRNGKeyArray,
    ):
        positive("DenoisingMLP", size=size, width=width, depth=depth, waves=waves)
        activation_named(activation)
        if min(classes, condition_size) < 0 or (classes and condition_size):
            raise BadInput(
                "DenoisingMLP takes classes or a condition_size, each at least 0 and not both, and got "
                f"classes={classes!r} and condition_size={condition_size!r}."
            )
        keys = jax.random.split(key, 5 + 2 * depth)
        up = gain(activation)
        self.first = Affine(size, width, bias_deviation=1.0, key=keys[0])
        self.level = Affine(2 * waves, width, key=keys[1])
        self.known = None
        if classes:
            self.known = Embedding((classes,), width, key=keys[2])
        elif condition_size:
            self.known = Affine(condition_size, width, key=keys[2])
        self.modulation = Affine(width, 2 * depth * width, gain=0.5, key=keys[3])
        self.inner = tuple(Affine(width, width, key=k) for k in keys[5 : 5 + depth])
        self.outer = tuple(Affine(width, width, gain=up / depth**0.5, key=k) for k in keys[5 + depth :])
        last = Affine(width, size, key=keys[4])
        self.last = eqx.tree_at(lambda a: a.weight, last, jnp.zeros_like(last.weight))
        self.waves, self.activation = waves, activation

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, " size"]:
        """Return f of a `Noisy` with `x: [size]` and `t: []`."""
        noisy = Noisy(*x)
        expect(noisy.x, (self.first.weight.shape[1],), "DenoisingMLP")
        expect(noisy.t, (), "The noise level of DenoisingMLP")
        sigma = activation_named(self.activation)
        told = sigma(self.level(level_waves(noisy.t, self.waves)) + self._condition(noisy))
        scales, shifts = self.modulation(told).reshape(2, len(self.inner), -1)
        h = self.first(noisy.x)
        for inner, outer, scale, shift in zip(self.inner, self.outer, scales, shifts, strict=True):
            h = h + outer(sigma(inner(h) * (1 + scale) + shift))
        return self.last(sigma(h))

    def _condition(self, noisy: Noisy) -> Float[Array, " width"]:
        """Return the condition's vector, or 0 where there is none."""
        nothing = jnp.zeros_like(self.level.bias)
        if noisy.condition is None:
            return nothing
        if self.known is None:
            raise BadInput(
                "This DenoisingMLP knows no conditions: build it with classes or a condition_size."
            )
        code = noisy.condition
        if isinstance(self.known, Embedding):
            if jnp.shape(code) != ():
                raise BadInput(f"The class of one example is a single integer, not {list(jnp.shape(code))}.")
            code = jnp.asarray(code)[None]
        vector = self.known(code)
        return vector if noisy.present is None else jnp.where(noisy.present, vector, nothing)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[DenoisingMLP, Noisy]":
        """Return a small map and an input for it."""
        net = DenoisingMLP(3, width=8, depth=2, classes=4, waves=3, key=key)
        last = eqx.tree_at(lambda a: a.weight, net.last, 0.1 * jax.random.normal(key, (3, 8)))
        net = eqx.tree_at(lambda n: n.last, net, last)
        seen = Noisy(jax.random.normal(key, (3,)), jnp.asarray(0.3), jnp.asarray(2), jnp.asarray(True))
        return net, seen
