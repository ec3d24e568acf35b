"""Players that know labels: maps of a `Labeled(x, label)` made from maps of vectors."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ansatz.core import Map
from ansatz.generate.gan.game import Labeled
from ansatz.maps.affine import Affine
from ansatz.maps.encoding import Embedding
from ansatz.maps.mlp import MLP
from ansatz.maps.shapes import positive


class Concatenated(Map):
    """``f(x, y) = inner([x, e_y])``: the label is embedded as a vector and set beside x (Mirza et al. 2014).

    `inner` takes vectors of length ``size(x) + size``; labels are whole numbers from 0 to `classes` - 1, and
    any other has the vector 0.

    >>> inner = MLP(2 + 3, 1, 8, key=jax.random.key(0))
    >>> Concatenated(inner, 10, 3, key=jax.random.key(1))(Labeled(jnp.ones(2), jnp.asarray(7))).shape
    (1,)
    """

    inner: Map
    table: Embedding

    def __init__(self, inner: Map, classes: int, size: int, *, key: PRNGKeyArray):
        positive("Concatenated", classes=classes, size=size)
        self.inner = inner
        self.table = Embedding((classes,), size, key=key)

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Array:
        """Return f of a `Labeled` with `x: [n]` and `label: []`."""
        pair = Labeled(*x)
        return self.inner(jnp.concatenate([pair.x, self.table(pair.label[None])]), key=key)

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Concatenated, Labeled]":
        """Return a small map and an input for it."""
        inner = MLP(2 + 3, 2, 8, key=key)
        return Concatenated(inner, 4, 3, key=key), Labeled(jax.random.normal(key, (2,)), jnp.asarray(3))


class Projected(Map):
    """``D(x, y) = A φ(x) + v_y · φ(x)``: a critic whose label picks a direction (Miyato & Koyama 2018).

    It is the shape that log-ratios of classes have. `features` is φ, a map to vectors of length `size`; A is
    affine and the v_y start small.

    >>> critic = Projected(MLP(2, 8, 8, key=jax.random.key(0)), 10, 8, key=jax.random.key(1))
    >>> critic(Labeled(jnp.ones(2), jnp.asarray(7))).shape
    (1,)
    """

    features: Map
    last: Affine
    table: Embedding

    def __init__(self, features: Map, classes: int, size: int, *, key: PRNGKeyArray):
        positive("Projected", classes=classes, size=size)
        first, second = jax.random.split(key)
        self.features = features
        self.last = Affine(size, 1, key=first)
        self.table = Embedding((classes,), size, key=second)

    def __call__(self, x: Any, *, key: PRNGKeyArray | None = None) -> Float[Array, "1"]:
        """Return D of a `Labeled` with `label: []`."""
        pair = Labeled(*x)
        phi = self.features(pair.x, key=key)
        return self.last(phi) + (self.table(pair.label[None]) @ phi)[None]

    @staticmethod
    def example(key: PRNGKeyArray) -> "tuple[Projected, Labeled]":
        """Return a small map and an input for it."""
        features = MLP(2, 5, 8, key=key)
        return Projected(features, 4, 5, key=key), Labeled(jax.random.normal(key, (2,)), jnp.asarray(3))
